// Where the time went: the critical path by operation, span and piece.
import { Flag, has, operationOf, type Trace } from './model.ts'

/** Spent is the part of the critical path that was spent in an operation. */
export interface Spent {
  service: string
  name: string
  took: number
  /** of the root's duration, 0 to 1 */
  share: number
  /** the span that holds most of it */
  span: number
}

/** whereTimeWent lists operations by what they hold of the critical path, the most first. */
export function whereTimeWent(t: Trace): Spent[] {
  const by = new Map<string, Spent & { most: number }>()
  for (let i = 0; i < t.count; i++) {
    const held = t.critical[i] as number
    if (held <= 0) continue
    const { service, name } = operationOf(t, i)
    const key = `${service}\n${name}`
    const spent = by.get(key) ?? { service, name, took: 0, share: 0, span: i, most: 0 }
    spent.took += held
    if (held > spent.most) Object.assign(spent, { most: held, span: i })
    by.set(key, spent)
  }
  const whole = rootTook(t)
  return [...by.values()].map(({ most: _, ...s }) => ({ ...s, share: whole > 0 ? s.took / whole : 0 })).sort((a, b) => b.took - a.took)
}

/** rootTook is how long the main root took: what the critical path adds up to. */
export function rootTook(t: Trace): number {
  return t.main >= 0 ? (t.took[t.main] as number) : 0
}

/** slowShare is the part of the critical path from which on a span is one of its slow parts. */
export const slowShare = 0.02

/** slowParts lists the spans that hold a slow part of the critical path, in the order of the tree. */
export function slowParts(t: Trace): number[] {
  const least = slowShare * rootTook(t)
  const found: number[] = []
  for (let i = 0; i < t.count; i++) if ((t.critical[i] as number) >= least && (t.critical[i] as number) > 0) found.push(i)
  return found
}

/** failedSpans lists the spans that failed, in the order of the tree. */
export function failedSpans(t: Trace): number[] {
  const found: number[] = []
  for (let i = 0; i < t.count; i++) if (has(t, i, Flag.failed)) found.push(i)
  return found
}

/** after is the first of some places behind one, from the start again when there is none. */
export function after(places: number[], place: number): number | undefined {
  return places.find((p) => p > place) ?? places[0]
}

/** before is the last of some places in front of one, from the end again when there is none. */
export function before(places: number[], place: number): number | undefined {
  return places.findLast((p) => p < place) ?? places[places.length - 1]
}

/** segmentsBySpan finds the pieces of the critical path of each span: places in trace.pathFrom and pathTo. */
export function segmentsBySpan(t: Trace): Map<number, number[]> {
  const by = new Map<number, number[]>()
  t.pathSpan.forEach((span, i) => {
    const own = by.get(span)
    if (own) own.push(i)
    else by.set(span, [i])
  })
  return by
}

/** onPath says which spans the critical path leads through: what the view shows of "critical path only". */
export function onPath(t: Trace): Uint8Array {
  return Uint8Array.from(t.flags, (f) => (f & Flag.critical ? 1 : 0))
}
