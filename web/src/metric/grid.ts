// The grid of a picture: columns of time, rows of latency on a logarithmic axis, and where they lie.

/** Grid is the columns and rows of a picture. */
export interface Grid {
  /** of the first column, in ms since 1970 */
  start: number
  /** of a column, in ms */
  step: number
  columns: number
  /** of the rows, in seconds, ascending: one more than there are rows */
  edges: number[]
}

/** Frame is where the grid lies in its picture, in px. */
export interface Frame {
  left: number
  top: number
  width: number
  height: number
}

export interface Cell {
  column: number
  row: number
}

/** flat is a grid without latency: boxes in it have no height. */
export function flat(start: number, step: number, columns: number): Grid {
  return { start, step, columns, edges: [0, Infinity] }
}

/** low and high are the ends of the latency axis. */
export const low = (g: Grid) => g.edges[0] ?? 0
export const high = (g: Grid) => g.edges[g.edges.length - 1] ?? Infinity
export const end = (g: Grid) => g.start + g.step * g.columns

/** xOf is where a time lies; what is outside lies on the edge. */
export function xOf(g: Grid, f: Frame, ms: number): number {
  const part = (ms - g.start) / (end(g) - g.start)
  return f.left + f.width * Math.min(1, Math.max(0, part))
}

/** yOf is where a latency in seconds lies; what is outside lies on the edge. */
export function yOf(g: Grid, f: Frame, seconds: number): number {
  if (seconds <= low(g)) return f.top + f.height
  if (seconds >= high(g)) return f.top
  return f.top + f.height * (1 - Math.log(seconds / low(g)) / Math.log(high(g) / low(g)))
}

/** cellAt is the cell at a place, the nearest one for places outside. */
export function cellAt(g: Grid, f: Frame, x: number, y: number): Cell {
  const column = Math.floor(((x - f.left) / f.width) * g.columns)
  let row = 0
  while (row < g.edges.length - 2 && y < yOf(g, f, g.edges[row + 1] as number)) row++
  return { column: clamp(column, g.columns), row }
}

/** cellOf is the cell in which a time and a latency lie, the nearest one for those outside. */
export function cellOf(g: Grid, ms: number, seconds: number): Cell {
  let row = 0
  while (row < g.edges.length - 2 && seconds > (g.edges[row + 1] as number)) row++
  return { column: clamp(Math.floor((ms - g.start) / g.step), g.columns), row }
}

function clamp(n: number, length: number): number {
  return Math.min(length - 1, Math.max(0, n))
}

/** Tick is a mark on an axis. */
export interface Tick {
  at: number
  /** how far apart ticks are, for how they are written */
  step: number
}

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]
const steps = [
  1, 10, 100, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
  hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day,
]

/** timeTicks are round times of a range, at most so many; offset (ms) is the zone's, ahead of UTC. */
export function timeTicks(start: number, end: number, most: number, offset = 0): Tick[] {
  const step = steps.find((s) => (end - start) / s <= most) ?? Math.ceil((end - start) / most / day) * day
  const ticks: Tick[] = []
  for (let at = Math.ceil((start + offset) / step) * step - offset; at <= end; at += step) ticks.push({ at, step })
  return ticks
}

/** latencyTicks are round latencies in seconds: powers of ten, and twos and fives where these are few. */
export function latencyTicks(lowest: number, highest: number): number[] {
  const decades = Math.log10(highest / lowest)
  const parts = decades >= 2 ? [1] : [1, 2, 5]
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(lowest)); power <= Math.ceil(Math.log10(highest)); power++) {
    for (const part of parts) ticks.push(part * 10 ** power)
  }
  return ticks.filter((t) => t >= lowest && t <= highest)
}

/** valueTicks are round numbers of a linear axis, about so many. */
export function valueTicks(lowest: number, highest: number, about = 4): number[] {
  const rough = (highest - lowest) / about
  if (!(rough > 0)) return [lowest]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power
  const ticks: number[] = []
  for (let n = Math.ceil(lowest / step - 1e-9); n * step <= highest + step * 1e-9; n++) ticks.push(Number((n * step).toPrecision(12)))
  return ticks
}
