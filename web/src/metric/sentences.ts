// What the view says of requests, in sentences made of the answer's own words.
import type { ComparedValue, Comparison } from '../api/types.ts'
import { count, plural, share, duration } from '../words/numbers.ts'
import { clockTime, zone } from '../words/times.ts'
import { saying } from '../words/saying.ts'
import type { Box } from './box.ts'
import type { Patch } from './shade.ts'

/** unlikely is the chance from which on nothing is said to set requests apart. */
const unlikely = 0.05

/** Piece is a part of a sentence; code is what a machine wrote. */
export type Piece = string | { code: string }

/** plainly is a sentence as plain text. */
export function plainly(pieces: Piece[]): string {
  return pieces.map((p) => (typeof p === 'string' ? p : p.code)).join('')
}

/** telling are the values that set the box apart. */
export function telling(c: Comparison): ComparedValue[] {
  return c.values.filter((v) => v.chance < unlikely)
}

/** nearest are values that the box has more of than the others, though that may be chance. */
export function nearest(c: Comparison): ComparedValue[] {
  return c.values.filter((v) => v.box * c.others.requests > v.others * c.box.requests).slice(0, 3)
}

/** these is how a box's requests are called: these 55, or these about 36,000. */
export function these(c: Comparison): string {
  return `these ${about(c)}${count(c.box.total)}`
}

const about = (c: Comparison) => (c.box.sampled_one_in ? '≈ ' : '')

/** inCommon is the sentence about what the requests of a box have in common. */
export function inCommon(c: Comparison): Piece[] {
  if (c.box.total === 0) return ['No request lies in this box.']
  if (c.too_few) return tooFew(c)
  const [first] = telling(c)
  if (first) return aboutValue(c, first)
  const logged = c.templates[0]
  if (logged) {
    const of = `${part(logged.box, c.box.requests)} logged `
    return [capital(of), { code: templateText(logged.template) }, `; of ${othersOf(c)} ${none(logged.others, c.others.requests)} did.`]
  }
  return [`Nothing sets ${these(c)} apart.`]
}

function tooFew(c: Comparison): Piece[] {
  if (c.others.requests === 0 && c.box.requests >= 5) return [`There are no ${c.rest === 'all' ? 'other requests' : 'other requests to the same operations'} to compare ${these(c)} with.`]
  return [`${plural(c.box.total, 'request')}: too few to compare.`]
}

function aboutValue(c: Comparison, v: ComparedValue): Piece[] {
  return [`${capital(part(v.box, c.box.requests))} have `, { code: `${v.key} ${v.value}` }, `; of ${othersOf(c)} ${none(v.others, c.others.requests)} do.`]
}

function part(n: number, of: number): string {
  return n === of ? `all ${count(of)}` : `${count(n)} of ${count(of)}`
}

function none(n: number, of: number): string {
  return n === 0 ? 'none' : n === of ? 'all' : share(n / of)
}

function othersOf(c: Comparison): string {
  const which = c.rest === 'all' ? 'the other requests' : 'the other requests to the same operations'
  return c.rest === 'before' ? 'the requests to the same operations before' : which
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** against says with what a box was compared. */
export function comparedWith(c: Comparison): string {
  const { requests, total } = c.others
  const drawn = requests < total ? `${count(requests)} of ${c.others.sampled_one_in ? 'about ' : ''}${count(total)} requests` : plural(requests, 'request')
  const what = c.rest === 'all' ? '' : ` to the same ${c.operations === 1 ? 'operation' : `${c.operations} operations`}`
  const where = c.rest === 'before' ? 'in the time before, for as long' : 'outside the box'
  const spikes = c.without_slow && c.without_failed ? ', without slow and failed ones' : c.without_slow ? ' and outside other spikes' : c.without_failed ? ' and without failed ones' : ''
  return `Compared with ${drawn}${what} ${where}${spikes}.${leftOut(c)}`
}

// leftOut says what is not compared.
function leftOut({ left_out }: Comparison): string {
  const any = (why: string) => left_out.some((l) => l.why.includes(why))
  const what = [any('value') && 'ids', any('port') && 'ports of connections', any('failed') && 'what only says that a request failed'].filter((w) => w !== false)
  if (what.length === 0) return ''
  return ` ${capital(inOne(what))} ${what.length === 1 && any('failed') ? 'is' : 'are'} left out.`
}

function inOne(words: string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

/** templateText is a template as people read it: ‹n› for what varies. */
export function templateText(template: string): string {
  return saying(template).replaceAll('<_>', '‹n›')
}

/** boxText says which time and latency a box has: 01:50:23 – 01:50:47, over 500 ms. */
export function boxText(b: Box): string {
  const time = Number.isFinite(b.t0) && Number.isFinite(b.t1) ? `${clockTime(b.t0)} – ${clockTime(b.t1)}` : 'the whole time'
  const latency = latencyText(b)
  return latency ? `${time}, ${latency}` : time
}

/** latencyText says which latency a box has; empty for any. */
export function latencyText({ low, high }: Box): string {
  if (low === 0 && !Number.isFinite(high)) return ''
  if (!Number.isFinite(high)) return `over ${duration(low * 1e9)}`
  return low === 0 ? `up to ${duration(high * 1e9)}` : `${duration(low * 1e9)} to ${duration(high * 1e9)}`
}

/** standsOut is the sentence about a heatmap. Where there is a box, its reader knows better than that few cells hold little. */
export function standsOut(requests: number, failed: number, patches: Patch[], boxed = false): string {
  if (requests === 0) return ''
  const failures = failed > 0 ? `, ${count(failed)} failed` : ''
  if (patches.length === 0) return `${plural(requests, 'request')}${failures}${boxed ? '' : '; none stand out'}.`
  const most = patches.reduce((sum, p) => sum + p.requests, 0)
  const last = Math.max(...patches.map((p) => p.box.t0))
  return `${count(most)} of ${plural(requests, 'request')} stand out, ${patches.length === 1 ? 'at one time' : `at ${patches.length} times`}${failures}; last at ${clockTime(last)} ${zone(last)}.`
}

/** sameText tells other values of the very same requests. */
export function sameText(v: ComparedValue): string {
  const shown = v.same_as.slice(0, 4).map((s) => `${s.key} ${s.value}`)
  const more = v.same_as.length - shown.length
  return shown.length === 0 ? '' : `the same requests: ${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}

/** Alike is a line of what is no different. */
export interface Alike {
  key: string
  value: string
  box: string
  others: string
}

/** alike are the values that are no different; those under one key are one line where they are many. */
export function alike(c: Comparison): Alike[] {
  const keys = new Map<string, ComparedValue[]>()
  for (const v of c.no_different) keys.set(v.key, [...(keys.get(v.key) ?? []), v])
  return [...keys].flatMap(([key, values]) => {
    const all = (v: ComparedValue) => v.box === c.box.requests && v.others === c.others.requests
    const [box, others] = [values.map((v) => v.box / c.box.requests), values.map((v) => v.others / c.others.requests)]
    if (values.length > 1 && values.every(all)) return { key, value: `of ${values.length} services`, box: 'one', others: 'the same' }
    if (values.length > 2) return { key, value: `${values.length} values`, box: between(box), others: between(others) }
    return values.map((v) => ({ key, value: v.value, box: all(v) ? 'all' : share(v.box / c.box.requests), others: all(v) ? 'all' : share(v.others / c.others.requests) }))
  })
}

// between writes shares as 83 % – 100 %.
function between(shares: number[]): string {
  const [low, high] = [share(Math.min(...shares)), share(Math.max(...shares))]
  return low === high ? low : `${low} – ${high}`
}
