// Finding words in a trace: in services, operations, attributes, events and log lines.
import type { Span } from '../api/types.ts'
import { operationOf, type Trace } from './model.ts'

/** Haystack is what can be found in each span, in small letters. */
export type Haystack = string[]

/** haystackOf has what a slim trace tells: no attributes yet. */
export function haystackOf(t: Trace): Haystack {
  const hay: Haystack = []
  for (let i = 0; i < t.count; i++) {
    const { service, name, kind } = operationOf(t, i)
    const parts = [service, name, kind, t.spanIds[i] as string, t.messages.get(i) ?? '']
    for (let l = t.lineFrom[i] as number; l < (t.lineFrom[i + 1] as number); l++) parts.push(t.lines[l]?.text ?? '')
    for (let e = t.eventFrom[i] as number; e < (t.eventFrom[i + 1] as number); e++) parts.push(t.events[e]?.text ?? '')
    hay.push(parts.join('\n').toLowerCase())
  }
  return hay
}

/** withAttributes adds the attributes of spans, resources and events, as key=value. The spans are those of the trace, in the same order. */
export function withAttributes(hay: Haystack, spans: Pick<Span, 'attributes' | 'resource' | 'events'>[]): Haystack {
  return hay.map((text, i) => {
    const s = spans[i]
    return s ? [text, pairs(s.attributes), pairs(s.resource), ...s.events.map((e) => pairs(e.attributes))].join('\n').toLowerCase() : text
  })
}

function pairs(attributes: Record<string, unknown>): string {
  return Object.entries(attributes).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join('\n')
}

/** found says which spans have all words of a text: 1 for each that does. undefined for a text without words. */
export function found(hay: Haystack, text: string): Uint8Array | undefined {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return undefined
  return Uint8Array.from(hay, (h) => (words.every((w) => h.includes(w)) ? 1 : 0))
}

/** placesOf lists the spans of a mask. */
export function placesOf(mask: Uint8Array): number[] {
  const places: number[] = []
  mask.forEach((m, i) => {
    if (m) places.push(i)
  })
  return places
}

/** withAbove adds to a mask all spans above those that are in it. */
export function withAbove(t: Trace, mask: Uint8Array): Uint8Array {
  const kept = mask.slice()
  for (let i = t.count - 1; i >= 0; i--) {
    const p = t.parent[i] as number
    if (kept[i] && p >= 0) kept[p] = 1
  }
  return kept
}

/** both is the spans that are in each mask that is there. */
export function both(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (!a || !b) return a ?? b
  return a.map((m, i) => m & (b[i] as number))
}
