// The sentence above the picture: what the trace says of itself, by rules of which the first that holds speaks.
import { count, duration, share } from '../words/numbers.ts'
import { Flag, childrenOf, end, has, operationOf, rankOf, type Line, type Trace } from './model.ts'
import { rootTook, whereTimeWent } from './path.ts'
import { saying } from '../words/saying.ts'
import type { UsualOf } from './usual.ts'

/** Said is a piece of a sentence; what is strong names or quotes something of the trace. */
export interface Said {
  text: string
  strong?: boolean
}

/** most is the part of the critical path from which on something is what the time went to. */
const most = 0.5

/** outcome is the headline: POST /checkout failed after 3.70 s. */
export function outcome(t: Trace): string {
  if (t.count === 0) return t.lineCount > 0 ? 'Only log lines of this trace are here' : 'Nothing of this trace is here'
  const took = duration(t.duration)
  if (t.incomplete) return `Began at least ${took} ago, the first span has not arrived`
  const failed = t.main >= 0 && has(t, t.main, Flag.failed)
  return `${t.rootName || 'A span without a name'} ${failed ? 'failed after' : 'took'} ${took}`
}

/** sentence says where the time went and what failed. It is empty where there are no spans. */
export function sentence(t: Trace, usual: UsualOf): Said[] {
  if (t.count === 0) return []
  return failingCalls(t) ?? oneSpan(t, usual) ?? gap(t, usual) ?? repeats(t) ?? largest(t)
}

const plain = (text: string): Said => ({ text })
const strong = (text: string): Said => ({ text, strong: true })

// failingCalls: one span called the same operation again and again, and it failed.
function failingCalls(t: Trace): Said[] | undefined {
  let best: { parent: number; calls: number[]; failed: number } | undefined
  for (let p = 0; p < t.count; p++) {
    if (!has(t, p, Flag.failedBelow)) continue
    const by = new Map<number, number[]>()
    for (const c of childrenOf(t, p)) by.set(t.operation[c] as number, [...(by.get(t.operation[c] as number) ?? []), c])
    for (const calls of by.values()) {
      const failed = calls.filter((c) => has(t, c, Flag.failed)).length
      if (failed >= 2 && failed > (best?.failed ?? 0)) best = { parent: p, calls, failed }
    }
  }
  if (!best) return undefined
  const { parent, calls, failed } = best
  const whom = calleeOf(t, calls[0] as number)
  const all = failed === calls.length
  const reason = reasonOf(t, calls.filter((c) => has(t, c, Flag.failed)).at(-1) as number)
  const inCalls = covered(t, calls)
  const between = Math.max(...calls.map((c) => end(t, c))) - Math.min(...calls.map((c) => t.begin[c] as number)) - inCalls
  return [
    strong(operationOf(t, parent).service), plain(' asked '), strong(whom),
    plain(` ${count(calls.length)} times and it failed ${all ? 'each time' : `${count(failed)} times`}`),
    ...(reason ? [plain(': '), strong(reason)] : []),
    plain(`. ${duration(inCalls)} went to ${whom}`),
    plain(between > 0.05 * t.duration ? `, ${duration(between)} to waiting between attempts.` : '.'),
  ]
}

// calleeOf names whom a span calls: the service of the span below it, or else what it is called itself.
function calleeOf(t: Trace, call: number): string {
  const { service, name } = operationOf(t, call)
  const below = childrenOf(t, call).map((c) => operationOf(t, c).service).find((s) => s !== service)
  return below ?? name
}

// reasonOf is why a call failed, in the words of whoever was deepest: its worst line, or its status.
function reasonOf(t: Trace, call: number): string {
  let deepest = -1
  let told = ''
  for (let i = call; i < (t.after[call] as number); i++) {
    if (!has(t, i, Flag.failed) || (t.depth[i] as number) <= deepest) continue
    const reason = saying(worstLine(t, i)?.text ?? t.messages.get(i) ?? '')
    if (reason) [deepest, told] = [t.depth[i] as number, reason]
  }
  return short(told)
}

function worstLine(t: Trace, span: number): Line | undefined {
  const own = t.lines.slice(t.lineFrom[span], t.lineFrom[span + 1]).filter((l) => rankOf(l.severity) >= 4)
  return own.sort((a, b) => rankOf(b.severity) - rankOf(a.severity))[0]
}

/** short cuts a text that would fill the screen, and joins its lines. */
export function short(text: string, most = 160): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

// covered is the time that spans take together, counting once what overlaps.
function covered(t: Trace, spans: number[]): number {
  let [sum, until] = [0, -Infinity]
  for (const s of spans.toSorted((a, b) => (t.begin[a] as number) - (t.begin[b] as number))) {
    const from = Math.max(until, t.begin[s] as number)
    sum += Math.max(0, end(t, s) - from)
    until = Math.max(until, end(t, s))
  }
  return sum
}

// waitsAt is the service at which a span waits, if it is a client's: its own time then is a gap between the two.
function waitsAt(t: Trace, span: number): string {
  const { service, kind } = operationOf(t, span)
  if (kind !== 'client' && kind !== 'producer') return ''
  return childrenOf(t, span).map((c) => operationOf(t, c)).find((o) => o.kind === 'server' || o.kind === 'consumer' || o.service !== service)?.service ?? ''
}

// oneSpan: half of the critical path is the own time of one span.
function oneSpan(t: Trace, usual: UsualOf): Said[] | undefined {
  const whole = rootTook(t)
  let best = -1
  for (let i = 0; i < t.count; i++) if (best < 0 || (t.critical[i] as number) > (t.critical[best] as number)) best = i
  const held = best < 0 ? 0 : (t.critical[best] as number)
  if (held <= 0 || held < most * whole || waitsAt(t, best)) return undefined
  const o = operationOf(t, best)
  const normal = usual(o)
  return [
    strong(o.name), plain(' of '), strong(o.service), plain(` took ${duration(held)} by itself, ${share(held / whole)} of the time.`),
    ...(normal > 0 ? [plain(` The operation usually takes ${duration(normal)}.`)] : []),
  ]
}

// gap: half of the critical path passed between callers and one service.
function gap(t: Trace, usual: UsualOf): Said[] | undefined {
  const by = new Map<string, { took: number; spans: number[] }>()
  for (let i = 0; i < t.count; i++) {
    const held = t.critical[i] as number
    const service = held > 0 ? waitsAt(t, i) : ''
    if (!service) continue
    const g = by.get(service) ?? { took: 0, spans: [] }
    g.took += held
    g.spans.push(i)
    by.set(service, g)
  }
  const [service, g] = [...by].sort((a, b) => b[1].took - a[1].took)[0] ?? []
  if (!g || service === undefined || g.took < most * rootTook(t)) return undefined
  const large = g.spans.filter((s) => (t.critical[s] as number) >= 0.1 * g.took)
  const each = large.reduce((sum, s) => sum + (t.critical[s] as number), 0) / large.length
  const normal = usual(operationOf(t, large[0] as number))
  return [
    plain(`${duration(g.took)} of it passed between callers and `), strong(service),
    plain(`${large.length > 1 ? `, ${count(large.length)} times about ${duration(each)}` : ''}: neither side was working.`),
    ...(normal > 0 ? [plain(` Such a call usually takes ${duration(normal)} in all.`)] : []),
  ]
}

// repeats: half of the critical path went to the same call again and again.
function repeats(t: Trace): Said[] | undefined {
  const by = new Map<string, { calls: number[]; took: number }>()
  const below = heldBelow(t)
  for (let i = 0; i < t.count; i++) {
    if ((below[i] as number) <= 0) continue
    const key = `${t.parent[i]} ${t.operation[i]}`
    const g = by.get(key) ?? { calls: [], took: 0 }
    g.calls.push(i)
    g.took += below[i] as number
    by.set(key, g)
  }
  const [g] = [...by.values()].filter((r) => r.calls.length >= 3 && r.took >= most * rootTook(t)).sort((a, b) => b.calls.length - a.calls.length)
  if (!g) return undefined
  const o = operationOf(t, g.calls[0] as number)
  return [
    strong(`${count(g.calls.length)} × ${o.name}`), plain(' of '), strong(o.service),
    plain(` took ${duration(g.took)} in all, ${share(g.took / rootTook(t))} of the time, one after the other.`),
  ]
}

// heldBelow is what each span and all below it hold of the critical path.
function heldBelow(t: Trace): Float64Array {
  const held = t.critical.slice()
  for (let i = t.count - 1; i >= 0; i--) {
    const p = t.parent[i] as number
    if (p >= 0) held[p] = (held[p] as number) + (held[i] as number)
  }
  return held
}

function largest(t: Trace): Said[] {
  const [first, second] = whereTimeWent(t)
  if (!first) return [plain(`Its spans took no time.`)]
  const part = (s: typeof first) => [strong(s.name), plain(' of '), strong(s.service)]
  return [
    plain(`${duration(first.took)} went to `), ...part(first),
    ...(second ? [plain(`, ${duration(second.took)} to `), ...part(second)] : []), plain('.'),
  ]
}
