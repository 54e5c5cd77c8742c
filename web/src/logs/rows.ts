// The rows of the list: its lines without those that are hidden, and the lines around one, in place.
import { merged, type Line } from './line.ts'

export interface Row {
  line: Line
  /** of the lines around one: it does not fit the question itself, or it belongs to them */
  around: boolean
}

/** Around is a line, and the lines of its service before and after it. */
export interface Around {
  key: string
  lines: Line[]
}

/** rowsOf makes the rows: what is hidden is left out, unless it stands around a line. */
export function rowsOf(lines: Line[], hidden: (line: Line) => boolean, around: Around | undefined): Row[] {
  const beside = new Set(around?.lines.map((l) => l.key))
  const all = around ? merged(lines, around.lines) : lines
  const rows: Row[] = []
  for (const line of all) {
    const isAround = beside.has(line.key)
    if (isAround || line.key === around?.key || !hidden(line)) rows.push({ line, around: isAround })
  }
  return rows
}

/** Tops is where each row begins, in px, and where the last one ends. */
export function topsOf(rows: Row[], heightOf: (row: Row) => number): Float64Array {
  const tops = new Float64Array(rows.length + 1)
  rows.forEach((row, i) => {
    tops[i + 1] = (tops[i] as number) + heightOf(row)
  })
  return tops
}

/** rowAt is the row that covers a height, in px. */
export function rowAt(tops: Float64Array, y: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((tops[middle] as number) <= y) low = middle
    else high = middle - 1
  }
  return low
}
