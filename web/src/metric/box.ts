// A box of time and latency: how an address spells it, and how dragging and keys change it.
import { cellOf, end, high, low, type Cell, type Grid } from './grid.ts'

/** Box is a time (ms since 1970) and a latency (seconds); ends that are open are infinite, or 0. */
export interface Box {
  t0: number
  t1: number
  low: number
  high: number
}

/** parseBox reads T0,T1,LOW,HIGH; a part that is empty is open. It is undefined for what is no box. */
export function parseBox(text: string): Box | undefined {
  const parts = text.split(',')
  if (parts.length !== 4) return undefined
  const open = [-Infinity, Infinity, 0, Infinity]
  const [t0, t1, l, h] = parts.map((part, i) => (part.trim() === '' ? (open[i] as number) : Number(part))) as [number, number, number, number]
  if ([t0, t1, l, h].some(Number.isNaN) || l < 0 || h < 0 || t0 === t1 || l === h) return undefined
  return { t0: Math.min(t0, t1), t1: Math.max(t0, t1), low: Math.min(l, h), high: Math.max(l, h) }
}

/** formatBox writes a box as parseBox reads it. */
export function formatBox(b: Box): string {
  return [ms(b.t0), ms(b.t1), b.low === 0 ? '' : seconds(b.low), seconds(b.high)].join(',')
}

const ms = (at: number) => (Number.isFinite(at) ? String(Math.round(at * 1e3) / 1e3) : '')
const seconds = (s: number) => (Number.isFinite(s) ? String(Number(s.toPrecision(12))) : '')

/** Span is a part of both axes: a cell's, a box's, or a single point of them. */
export type Span = Box

/** cellSpan is what a cell takes of both axes. */
export function cellSpan(g: Grid, { column, row }: Cell): Span {
  const t0 = g.start + g.step * column
  return { t0, t1: t0 + g.step, low: g.edges[row] ?? 0, high: g.edges[row + 1] ?? Infinity }
}

/** Corner names a corner of a box as the picture shows it. */
export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right'

export const corners: Corner[] = ['top-left', 'top-right', 'bottom-left', 'bottom-right']

/** opposite is the point of a box that stays while a corner of it is dragged. */
export function opposite(g: Grid, b: Box, corner: Corner): Span {
  const shown = within(g, b)
  const t = corner.endsWith('left') ? shown.t1 : shown.t0
  const v = corner.startsWith('top') ? shown.low : shown.high
  return { t0: t, t1: t, low: v, high: v }
}

/** within is the part of a box that a grid shows, with no open end. */
export function within(g: Grid, b: Box): Box {
  return { t0: Math.max(b.t0, g.start), t1: Math.min(b.t1, end(g)), low: Math.max(b.low, low(g)), high: Math.min(b.high, high(g)) }
}

/** hull is the box around two parts. All rows are any latency, all columns the whole time. */
export function hull(g: Grid, a: Span, b: Span): Box {
  const box = { t0: Math.min(a.t0, b.t0), t1: Math.max(a.t1, b.t1), low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
  if (box.low <= low(g) && box.high >= high(g)) Object.assign(box, { low: 0, high: Infinity })
  if (box.t0 <= g.start && box.t1 >= end(g)) Object.assign(box, { t0: -Infinity, t1: Infinity })
  return box
}

/** Hands are the two cells at the corners of a box that keys move. */
export interface Hands {
  fixed: Cell
  moving: Cell
}

/** handsOf are the corner cells of a box. */
export function handsOf(g: Grid, b: Box): Hands {
  const shown = within(g, b)
  const inner = (at: number, by: number) => at + by * g.step * 1e-6
  const ratio = 1 + 1e-9
  return {
    fixed: cellOf(g, inner(shown.t0, 1), shown.low * ratio),
    moving: cellOf(g, inner(shown.t1, -1), Number.isFinite(shown.high) ? shown.high / ratio : shown.high),
  }
}

const arrows: Record<string, [columns: number, rows: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

/** moved is the hands after an arrow key; with Shift it moves the other corner. */
export function moved(g: Grid, hands: Hands, key: string, shift: boolean): Hands {
  const by = arrows[key]
  if (!by) return hands
  const name = shift ? 'fixed' : 'moving'
  const from = hands[name]
  const limit = (n: number, length: number) => Math.min(length - 1, Math.max(0, n))
  return { ...hands, [name]: { column: limit(from.column + by[0], g.columns), row: limit(from.row + by[1], g.edges.length - 1) } }
}

/** boxOf is the box that two hands hold. */
export function boxOf(g: Grid, { fixed, moving }: Hands): Box {
  return hull(g, cellSpan(g, fixed), cellSpan(g, moving))
}

/** holds says whether the middle of a cell lies in a box. */
export function holds(g: Grid, b: Box, cell: Cell): boolean {
  const s = cellSpan(g, cell)
  const middle = s.low > 0 && Number.isFinite(s.high) ? Math.sqrt(s.low * s.high) : s.low
  return inTime(g, b, cell.column) && middle >= b.low && middle <= b.high
}

/** inTime says whether the middle of a column lies in a box. */
export function inTime(g: Grid, b: Box, column: number): boolean {
  const middle = g.start + g.step * (column + 0.5)
  return middle >= b.t0 && middle <= b.t1
}
