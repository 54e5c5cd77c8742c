// What is unusual in a service map, and by how much. Pure functions on the API's answers.
import type { Bin, Edge, Node } from '../api/types.ts'
import type { Bar } from '../parts/spark.tsx'

/** slower is how many times its usual a p95 must be to be called unusual. */
export const slower = 2
/** fewest is how many calls a bin or a node must have for its numbers to say something. */
const fewest = 3

/** Course is what nodes and edges have in common. */
export type Course = Pick<Node | Edge, 'calls' | 'failed' | 'error_rate' | 'latency' | 'usual' | 'bins'>

/** slowness is p95 against its usual: 1 is as usual, 0 where there is no usual yet. */
export function slowness(c: Course): number {
  return c.usual && c.usual.p95_ns > 0 ? c.latency.p95_ns / c.usual.p95_ns : 0
}

/** worst is the bin furthest above the usual: its p95 against it, 0 where there is none. */
export function worst(c: Course): { times: number; p95: number } {
  const usual = c.usual?.p95_ns ?? 0
  const p95 = Math.max(0, ...(c.bins ?? []).filter((b) => b.calls >= fewest).map((b) => b.p95_ns))
  return { times: usual > 0 ? p95 / usual : 0, p95 }
}

/** fails says whether more calls fail than is usual: three of them at least. */
export function fails(c: Course): boolean {
  return c.failed >= fewest && c.error_rate > 2 * (c.usual?.error_rate ?? 0)
}

/** isUnusual says whether something exceeds its usual, in the whole range or in one of its bins. */
export function isUnusual(c: Course): boolean {
  return fails(c) || (c.calls >= fewest && slowness(c) >= slower) || worst(c).times >= slower
}

/** degree orders by how unusual: what fails, and what is many times its usual, comes first. */
export function degree(c: Course): number {
  const slow = Math.log(Math.max(1, slowness(c), worst(c).times / 2))
  const failing = fails(c) ? 1 + Math.log(1 + 20 * (c.error_rate - (c.usual?.error_rate ?? 0))) : 0
  return slow + failing
}

/** p95Bars is the course of the p95, with the bins that exceed the usual marked. */
export function p95Bars(bins: Bin[] | undefined, usual: number | undefined): Bar[] {
  return (bins ?? []).map((b) => ({ value: b.p95_ns, kind: usual && b.calls > 0 && b.p95_ns >= slower * usual ? 'unusual' : 'usual' }))
}

/** deepest is the unusual calls whose callee makes no unusual call itself: where to look. */
export function deepest(edges: Edge[]): Edge[] {
  const unusual = edges.filter(isUnusual)
  const callers = new Set(unusual.map((e) => e.client))
  return unusual.filter((e) => !callers.has(e.server)).sort((a, b) => degree(b) - degree(a))
}
