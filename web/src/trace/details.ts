// What is told of one span beyond the waterfall: its attributes, those first that its siblings do not share.
import type { Span } from '../api/types.ts'
import type { Trace } from './model.ts'

/** Details are a span in full, with the keys of attributes by which it differs. */
export interface Details {
  span: Span
  differs: string[]
  /** how many spans it was compared with */
  siblings: number
}

/** mostSiblings is how many spans one is compared with. */
const mostSiblings = 200

/** differing compares a span with the others of its operation: those of its parent, or else of the whole trace. */
export function differing(t: Trace, spans: (Span | undefined)[], place: number): Details {
  const span = spans[place] as Span
  const alike = (i: number) => i !== place && t.operation[i] === t.operation[place]
  const all = [...t.operation.keys()].filter(alike)
  const near = all.filter((i) => t.parent[i] === t.parent[place])
  const others = (near.length > 0 ? near : all).slice(0, mostSiblings).flatMap((i) => spans[i] ?? [])
  const own = attributesOf(span)
  const differs = [...own.keys()].filter((key) => {
    const same = others.filter((o) => attributesOf(o).get(key) === own.get(key)).length
    return others.length > 0 && same * 2 < others.length
  })
  return { span, differs, siblings: others.length }
}

/** attributesOf are a span's attributes and then its resource's, as texts. */
export function attributesOf(span: Pick<Span, 'attributes' | 'resource'>): Map<string, string> {
  return new Map([...Object.entries(span.resource), ...Object.entries(span.attributes)].map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]))
}

/** inOrder is the keys of a span's attributes: those that differ, then the span's own, then its resource's. */
export function inOrder({ span, differs }: Details): string[] {
  return [...new Set([...differs, ...Object.keys(span.attributes).sort(), ...Object.keys(span.resource).sort()])]
}
