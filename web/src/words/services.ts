// Two letters and a hue for each service. Letters and names decide; hues are for the eye's memory.
import { signal } from '@preact/signals'
import { ask } from '../api/client.ts'
import type { ServiceMap, Services } from '../api/types.ts'

/** hues is how many colours the services share (style/tokens.css). */
export const hues = 8

/** Mark is how a service is drawn: two letters on a hue. A hue of -1 is grey: not known yet. */
export interface Mark {
  letters: string
  hue: number
}

/** letters gives each name two letters: the first of its parts, made unique in the order of names. */
export function letters(names: string[]): Map<string, string> {
  const taken = new Set<string>()
  const marks = new Map<string, string>()
  const [prefix, suffix] = affixes(names)
  for (const name of [...names].sort()) {
    const own = name.slice(prefix.length, name.length - suffix.length || undefined) || name
    const found = candidates(own).find((c) => !taken.has(c)) ?? candidates(own)[0] ?? '??'
    taken.add(found)
    marks.set(name, found)
  }
  return marks
}

/** shortened is names without a prefix and a suffix that all of them have, such as ts- and -service. */
export function shortened(names: string[]): Map<string, string> {
  const [prefix, suffix] = affixes(names)
  return new Map(names.map((name) => [name, name.slice(prefix.length, name.length - suffix.length || undefined) || name]))
}

// affixes are a prefix and a suffix, up to a separator, that most names have.
function affixes(names: string[]): [string, string] {
  if (names.length < 4) return ['', '']
  const most = (pick: (name: string) => string | undefined) => {
    const counts = new Map<string, number>()
    for (const affix of names.map(pick)) if (affix) counts.set(affix, (counts.get(affix) ?? 0) + 1)
    const [best] = [...counts].sort((a, b) => b[1] - a[1])
    return best && best[1] > names.length * 0.6 ? best[0] : ''
  }
  const prefix = most((n) => /^[^-_./]+[-_./]/.exec(n)?.[0])
  const suffix = most((n) => /[-_./][^-_./]+$/.exec(n)?.[0])
  const both = (n: string) => n.startsWith(prefix) && n.endsWith(suffix) && n.length > prefix.length + suffix.length
  return names.every(both) ? [prefix, suffix] : names.every((n) => n.endsWith(suffix) && n.length > suffix.length) ? ['', suffix] : ['', '']
}

function candidates(name: string): string[] {
  const parts = name.toUpperCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean)
  const whole = parts.join('')
  const first = whole.charAt(0) || '?'
  const initials = parts.length > 1 ? [first + (parts[1] as string).charAt(0)] : []
  const within = [...whole.slice(1)].map((letter) => first + letter)
  const digits = [...'0123456789'].map((digit) => first + digit)
  return [...initials, ...within, ...digits]
}

/** colour gives each name, in order, the least used hue that none of its neighbours has. */
export function colour(names: string[], calls: [string, string][]): Map<string, number> {
  const near = new Map<string, Set<string>>()
  for (const [a, b] of calls) {
    near.set(a, (near.get(a) ?? new Set()).add(b))
    near.set(b, (near.get(b) ?? new Set()).add(a))
  }
  const given = new Map<string, number>()
  const used = new Array<number>(hues).fill(0)
  for (const name of [...names].sort()) {
    const beside = new Set([...(near.get(name) ?? [])].map((n) => given.get(n)))
    const order = [...used.keys()].sort((x, y) => (used[x] as number) - (used[y] as number) || x - y)
    const hue = order.find((h) => !beside.has(h)) ?? (order[0] as number)
    used[hue] = (used[hue] as number) + 1
    given.set(name, hue)
  }
  return given
}

/** marks is the marks of all services that are known. */
export const marks = signal(new Map<string, Mark>())

/** markOf is a service's mark; one that is not known yet has its first two letters, in grey. */
export function markOf(service: string): Mark {
  return marks.value.get(service) ?? { letters: candidates(service)[0] ?? '??', hue: -1 }
}

/** setMarks makes the marks of services and the calls between them. */
export function setMarks(names: string[], calls: [string, string][]): void {
  const [two, hue] = [letters(names), colour(names, calls)]
  marks.value = new Map(names.map((n) => [n, { letters: two.get(n) ?? '??', hue: hue.get(n) ?? -1 }]))
}

/** learnMarks asks for the services of the last 24 hours; where that fails, marks stay as they are. */
export async function learnMarks(signal?: AbortSignal): Promise<void> {
  const [services, map] = await Promise.allSettled([
    ask<Services>('api/v1/services', { limit: 1000 }, signal),
    ask<ServiceMap>('api/v1/service-map', { start: 'now-24h', end: 'now' }, signal),
  ])
  const known = services.status === 'fulfilled' ? services.value.services.map((s) => s.service) : []
  const { nodes, edges } = map.status === 'fulfilled' ? map.value : { nodes: [], edges: [] }
  const names = new Set([...known, ...nodes.map((n) => n.service), ...edges.map((e) => e.server)])
  if (names.size > 0) setMarks([...names], edges.map((e) => [e.client, e.server]))
}
