// The range of time that all views speak of.
import { computed, signal } from '@preact/signals'
import { address } from './address.ts'

const minute = 60_000

/** Range is a stretch of time: as the address spells it, and in ms since 1970. */
export interface Range {
  from: string
  to: string
  start: number
  end: number
  /** it ends now, whenever that is */
  relative: boolean
  /** what is wrong with the address's range, of which the usual one then takes the place */
  wrong: string
}

const units: Record<string, number> = { s: 1000, m: minute, h: 60 * minute, d: 24 * 60 * minute, w: 7 * 24 * 60 * minute }

/** instant reads now, now-15m, RFC 3339 or a Unix time in ms; NaN where it is none of them. */
export function instant(text: string, now: number): number {
  const relative = /^now(?:([+-])(\d+)([smhdw]))?$/.exec(text)
  if (relative) {
    const [, sign, amount, unit] = relative
    return now + (sign === '-' ? -1 : 1) * Number(amount ?? 0) * (units[unit ?? 's'] as number)
  }
  if (/^\d{12,14}$/.test(text)) return Number(text)
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
}

/** oldest is when the first telemetry came, in ms since 1970; 0 while that is not known. */
export const oldest = signal(0)

/** usualFrom is where a range begins that nobody chose: an hour ago, or as long as there is data. */
export function usualFrom(now: number, first: number): string {
  const minutes = Math.ceil((now - first) / minute)
  return first > 0 && minutes > 0 && minutes < 60 ? `now-${Math.max(2, minutes)}m` : 'now-1h'
}

/** read makes a range of the address's from and to. */
export function read(from: string, to: string, now: number, first: number): Range {
  const usual = usualFrom(now, first)
  const [f, t] = [from || usual, to || 'now']
  const [start, end] = [instant(f, now), instant(t, now)]
  if (start < end) return { from: f, to: t, start, end, relative: t === 'now', wrong: '' }
  const wrong = Number.isNaN(start) ? `“${f}” is no time` : Number.isNaN(end) ? `“${t}” is no time` : 'the range ends before it begins'
  return { from: usual, to: 'now', start: instant(usual, now), end: now, relative: true, wrong: `${wrong}; this is the usual range` }
}

/** clock is the time by which relative ranges are read; it moves when the address does, or live. */
export const clock = signal(Date.now())

export const range = computed(() => read(address.value.params.from ?? '', address.value.params.to ?? '', clock.value, oldest.value))

/** asked is the range as the API's questions have it. */
export function asked(): { start: string; end: string } {
  const { from, to } = range.value
  return { start: from, end: to }
}

/** iso writes a time as addresses and the API have it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** fixed is the range with absolute times: what a copied link has. */
export function fixed(): { from: string; to: string } {
  return { from: iso(range.value.start), to: iso(range.value.end) }
}
