// What is usual for the operations of a trace, by the time before it.
import type { TraceUsual } from '../api/types.ts'
import type { Operation } from './model.ts'

/** UsualOf is an operation's usual duration (median, ns), 0 where it is not known. */
export type UsualOf = (operation: Operation) => number

/** usualOf reads an answer of pivot/trace/{id}/usual; before it is here, nothing is known. */
export function usualOf(answer: TraceUsual | undefined): UsualOf {
  const medians = new Map<string, number>()
  for (const o of answer?.operations ?? []) medians.set(key(o), o.latency.p50_ns)
  return (operation) => medians.get(key(operation)) ?? 0
}

function key(o: Operation): string {
  return `${o.service}\n${o.name}\n${o.kind}`
}

/** least is by how much (ns) a span must exceed its usual to be unusual, besides by how many times. */
const least = 1e6

/** isUnusual says whether a span took more than twice what is usual, and not only by a moment. */
export function isUnusual(took: number, usual: number): boolean {
  return usual > 0 && took > 2 * usual && took - usual > least
}
