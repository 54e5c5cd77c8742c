// TableOf draws rows as a table; its head cells sort where they can.
import './table.css'
import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  /** names the column in an address */
  id: string
  head: string
  cell: (row: Row) => ComponentChildren
  /** numbers stand on the right */
  number?: boolean
  /** narrow screens leave it out */
  wide?: boolean
  /** by what rows are sorted, the largest first; columns without it cannot sort */
  by?: (row: Row) => number | string
}

interface TableProps<Row> {
  name: string
  columns: Column<Row>[]
  rows: Row[]
  keyOf: (row: Row) => string
  /** the id of the column that the rows are sorted by, and what to do when another is chosen */
  sort?: string
  onSort?: (id: string) => void
  /** the row that keys are at, and what a click or Enter on a row does */
  at?: number
  onOpen?: (row: Row, index: number) => void
}

export function TableOf<Row>({ name, columns, rows, keyOf, sort, onSort, at, onOpen }: TableProps<Row>) {
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={`${name}, as a table`}>
      <table>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.id} scope="col" class={classOf(c)} aria-sort={c.by && onSort ? (sort === c.id ? 'descending' : 'none') : undefined}>
                {c.by && onSort ? (
                  <button type="button" onClick={() => onSort(c.id)}>
                    {c.head}
                  </button>
                ) : (
                  c.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={keyOf(row)} class={`${onOpen ? 'opens' : ''}${i === at ? ' at' : ''}`} data-row={i} onClick={onOpen && (() => onOpen(row, i))}>
              {columns.map((c) => (
                <td key={c.id} class={classOf(c)}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function classOf<Row>(c: Column<Row>): string {
  return `${c.number ? 'number' : ''}${c.wide ? ' only-wide' : ''}`
}

/** sorted is rows by a column, the largest first; rows that are equal keep their order. */
export function sorted<Row>(rows: Row[], columns: Column<Row>[], id: string): Row[] {
  const by = columns.find((c) => c.id === id)?.by
  if (!by) return rows
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)]
    return typeof x === 'string' || typeof y === 'string' ? String(x).localeCompare(String(y)) : y - x
  })
}

/** following is the column after another one by which rows can be sorted; the first after the last. */
export function following<Row>(columns: Column<Row>[], sort: string): string {
  const ids = columns.filter((c) => c.by).map((c) => c.id)
  return ids[(ids.indexOf(sort) + 1) % ids.length] ?? sort
}
