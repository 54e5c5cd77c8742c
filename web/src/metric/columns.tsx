// The heatmap as a table: a row for each column of time that has requests.
import { TableOf, type Column } from '../parts/table.tsx'
import { count, duration } from '../words/numbers.ts'
import { clockTime } from '../words/times.ts'
import { cellSpan } from './box.ts'
import type { Picture } from './heat.tsx'

interface Row {
  column: number
  at: number
  requests: number
  failed: number
  unusual: number
  /** the latency that the slowest of them took at most, in seconds */
  slowest: number
}

const columns: Column<Row>[] = [
  { id: 'from', head: 'from', cell: (r) => <span class="mono">{clockTime(r.at)}</span> },
  { id: 'requests', head: 'requests', number: true, cell: (r) => count(r.requests) },
  { id: 'failed', head: 'failed', number: true, cell: (r) => (r.failed ? <span class="failed">{count(r.failed)}</span> : '0') },
  { id: 'unusual', head: 'in cells with more than usual', number: true, cell: (r) => (r.unusual ? <span class="unusual">{count(r.unusual)}</span> : '0') },
  { id: 'slowest', head: 'slowest, up to', number: true, cell: (r) => duration(r.slowest * 1e9) },
]

export function Columns({ picture }: { picture: Picture }) {
  return <TableOf name="Requests by time" columns={columns} rows={rowsOf(picture)} keyOf={(r) => String(r.column)} />
}

/** rowsOf sums up the cells of each column that has requests. */
export function rowsOf({ map, grid, shades }: Picture): Row[] {
  const rows = new Map<number, Row>()
  for (const cell of shades) {
    const span = cellSpan(grid, cell)
    const total = map.totals[cell.column]
    const row = rows.get(cell.column) ?? { column: cell.column, at: span.t0, requests: total?.requests ?? 0, failed: total?.failed ?? 0, unusual: 0, slowest: 0 }
    row.unusual += cell.unusual ? cell.requests : 0
    row.slowest = Math.max(row.slowest, span.high)
    rows.set(cell.column, row)
  }
  return [...rows.values()]
}
