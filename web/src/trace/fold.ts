// What repeats is folded: rows that say how many there are and how long they took.
import { Flag, childrenOf, has, operationOf, type Trace } from './model.ts'
import { plural } from '../words/numbers.ts'

/** Fold stands for several siblings, or for a quick one with what is below it. */
export interface Fold {
  /** that of its first member's span: what the address calls it when it is open */
  id: string
  kind: 'repeats' | 'quick'
  /** places, in the order of time */
  members: number[]
  /** all spans, those below the members too */
  spans: number
  /** ns that the members took in all */
  took: number
}

/** Item is what stands below a span: a span alone, or a fold. */
export type Item = number | Fold

/** quickShare is the part of the trace below which a span is quick. */
export const quickShare = 0.012

/** fewSpans is a trace that fits the screen: its quick spans are not folded. */
export const fewSpans = 30

/** slowest is how many times the median the slowest of its group takes if it stands alone. */
const slowest = 2

/** itemsOf puts the spans directly below one (of -1, the roots) into folds, as far as they are alike. */
export function itemsOf(t: Trace, span: number): Item[] {
  return folded(t, childrenOf(t, span))
}

/** folded puts siblings into folds. What failed, warned or is the slowest of its group by far stands alone. */
export function folded(t: Trace, siblings: number[]): Item[] {
  return foldQuick(t, foldRepeats(t, siblings))
}

function alone(t: Trace, span: number): boolean {
  return has(t, span, Flag.failedBelow | Flag.warnedBelow | Flag.orphan)
}

function leaf(t: Trace, span: number): boolean {
  return t.after[span] === span + 1
}

function foldRepeats(t: Trace, siblings: number[]): Item[] {
  const groups = new Map<number, number[]>()
  for (const s of siblings) {
    if (alone(t, s)) continue
    const shape = t.shape[s] as number
    const group = groups.get(shape)
    if (group) group.push(s)
    else groups.set(shape, [s])
  }
  const first = new Map<number, Fold>()
  const inside = new Set<number>()
  for (const group of groups.values()) {
    const members = withoutSlowest(t, group)
    if (members.length < (leaf(t, members[0] as number) ? 3 : 2)) continue
    first.set(members[0] as number, foldOf(t, 'repeats', members))
    for (const m of members) inside.add(m)
  }
  return siblings.flatMap((s): Item[] => {
    const fold = first.get(s)
    return fold ? [fold] : inside.has(s) ? [] : [s]
  })
}

function withoutSlowest(t: Trace, group: number[]): number[] {
  if (group.length < 3) return group
  const took = group.map((s) => t.took[s] as number).sort((a, b) => a - b)
  const most = took[took.length - 1] as number
  if (most <= slowest * (took[took.length >> 1] as number)) return group
  const at = group.findIndex((s) => t.took[s] === most)
  return group.filter((_, i) => i !== at)
}

function foldQuick(t: Trace, items: Item[]): Item[] {
  if (t.count <= fewSpans) return items
  const out: Item[] = []
  const limit = quickShare * (t.to - t.from)
  let run: number[] = []
  const finish = () => {
    const [only] = run
    if (run.length > 1 || (only !== undefined && !leaf(t, only))) out.push(foldOf(t, 'quick', run))
    else out.push(...run)
    run = []
  }
  for (const item of items) {
    if (typeof item === 'number' && !alone(t, item) && (t.took[item] as number) < limit) {
      run.push(item)
      continue
    }
    finish()
    out.push(item)
  }
  finish()
  return out
}

function foldOf(t: Trace, kind: Fold['kind'], members: number[]): Fold {
  let [spans, took] = [0, 0]
  for (const m of members) {
    spans += (t.after[m] as number) - m
    took += t.took[m] as number
  }
  return { id: t.spanIds[members[0] as number] as string, kind, members, spans, took }
}

/** nameOf says what a fold stands for, without its count: SELECT ts.orders, quick calls, 12 spans. */
export function nameOf(t: Trace, fold: Fold): string {
  const [first] = fold.members as [number]
  const more = fold.spans > fold.members.length ? `, ${plural(fold.spans, 'span')}` : ''
  if (fold.kind === 'quick') return `quick call${fold.members.length > 1 ? 's' : ''}${more}`
  const below = first + 1 < (t.after[first] as number) ? operationOf(t, first + 1).service : ''
  const { name, service } = operationOf(t, first)
  return `${name}${below && below !== service ? ` → ${below}` : ''}${more}`
}
