// Numbers as people read them: three digits that count, the unit after a thin space.

const thin = '\u2009'

/** digits writes a number with three digits that count: 53.6, 2.41, 420; whole from 100 on. */
export function digits(n: number): string {
  const size = Math.abs(n)
  if (size === 0) return '0'
  if (size >= 99.95) return grouped(Math.round(n))
  if (size >= 9.995) return n.toFixed(1)
  return n.toFixed(2)
}

// Made once: toLocaleString makes one for each number, which took half of a scrolled waterfall's scripts.
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

function grouped(n: number): string {
  return whole.format(n)
}

/** duration writes nanoseconds: 420 µs, 53.6 ms, 2.41 s, 1 m 12 s. */
export function duration(ns: number): string {
  const size = Math.abs(ns)
  if (size === 0) return `0${thin}ms`
  if (size < 999.5) return `${Math.round(ns)}${thin}ns`
  if (size < 999.5e3) return `${digits(ns / 1e3)}${thin}µs`
  if (size < 999.5e6) return `${digits(ns / 1e6)}${thin}ms`
  if (size < 59.95e9) return `${digits(ns / 1e9)}${thin}s`
  return parts(Math.round(ns / 1e9))
}

function parts(seconds: number): string {
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
  if (d > 0) return `${d}${thin}d ${h}${thin}h`
  return h > 0 ? `${h}${thin}h ${m}${thin}m` : `${m}${thin}m ${s}${thin}s`
}

/** exactly writes nanoseconds to the last digit, for titles. */
export function exactly(ns: number): string {
  return `${grouped(ns)}${thin}ns`
}

/** count writes a number of things: whole with separators up to 99,999, then 123 k and 4.5 M. */
export function count(n: number): string {
  if (n < 99_999.5) return grouped(Math.round(n))
  if (n < 999_500) return `${grouped(Math.round(n / 1e3))}${thin}k`
  return `${digits(n / 1e6)}${thin}M`
}

/** plural writes a count with its noun: 1 span, 2 spans. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** rate writes things a second, or a minute's where that is below 0.1. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  if (perSecond >= 0.1) return `${perSecond < 99.95 ? perSecond.toFixed(1) : count(perSecond)}/s`
  const perMinute = perSecond * 60
  return `${perMinute < 0.1 ? perMinute.toFixed(2) : perMinute.toFixed(1)}/min`
}

/** share writes a part of a whole (0 to 1): 9.9 %, 45 %, 0 for none and 100 % for all, and for nothing else. */
export function share(part: number): string {
  if (part === 0) return '0'
  const percent = part * 100
  if (percent < 0.1) return `< 0.1${thin}%`
  if (percent < 100 && percent >= 99.5) return `> 99${thin}%`
  return `${percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)}${thin}%`
}

/** asUsual is how far above its usual a value may be and still be called usual. */
export const asUsual = 1.15

/** against writes a value against its usual: × 22, × 0.5, or "as usual". */
export function against(now: number, usual: number): string {
  if (usual <= 0) return ''
  const times = now / usual
  if (times >= 1 / asUsual && times < asUsual) return 'as usual'
  return `×${thin}${times >= 9.95 ? count(times) : times.toFixed(1)}`
}

/** over writes by how much nanoseconds exceed the usual: + 2.58 s. */
export function over(now: number, usual: number): string {
  const more = now - usual
  return `${more < 0 ? '−' : '+'}${thin}${duration(Math.abs(more))}`
}

/** chance says in words how likely it is that chance alone made a difference. */
export function chance(p: number): string {
  if (p < 1e-4) return 'not by chance'
  if (p < 0.01) return 'hardly by chance'
  if (p < 0.05) return 'perhaps by chance'
  return 'may be chance'
}
