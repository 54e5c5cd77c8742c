// Times as people read them: UTC unless they chose their own zone, and then with its offset.
import { computed } from '@preact/signals'
import { address } from '../frame/address.ts'

const day = 86_400_000

/** local says whether times are shown in the reader's own zone. */
export const local = computed(() => address.value.params.tz === 'local')

/** ms reads RFC 3339, with nanoseconds too, as ms since 1970. */
export function ms(time: string): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'))
}

interface Parts {
  date: string
  time: string
  millis: string
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number) => String(n).padStart(2, '0')

function partsOf(at: number, inZone: boolean): Parts {
  const t = new Date(inZone ? at - new Date(at).getTimezoneOffset() * 60_000 : at)
  return {
    date: `${t.getUTCDate()} ${months[t.getUTCMonth()]}`,
    time: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`,
    millis: String(t.getUTCMilliseconds()).padStart(3, '0'),
  }
}

/** zone names the zone of a time: UTC, or the offset that the reader's has then, as +05:30. */
export function zone(at: number, inZone = local.value): string {
  if (!inZone) return 'UTC'
  const minutes = -new Date(at).getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** clockTime is a time of day: 01:51:26, or 01:51:26.826 with ms. */
export function clockTime(at: number, withMillis = false, inZone = local.value): string {
  const p = partsOf(at, inZone)
  return withMillis ? `${p.time}.${p.millis}` : p.time
}

/** listed is a time as lists have it: 01:51:26.826, with its day where that is not today's. */
export function listed(at: number, now = Date.now(), inZone = local.value): string {
  const [p, today] = [partsOf(at, inZone), partsOf(now, inZone)]
  const text = `${p.time}.${p.millis}`
  return p.date === today.date && Math.abs(now - at) < day ? text : `${p.date} ${text}`
}

/** stretch is a range: 01:48:43 – 01:52:43 UTC; with days, and both offsets, where they differ. */
export function stretch(start: number, end: number, inZone = local.value): string {
  const [a, b] = [partsOf(start, inZone), partsOf(end, inZone)]
  const [za, zb] = [zone(start, inZone), zone(end, inZone)]
  const days = a.date !== b.date || Math.abs(Date.now() - end) > day
  const from = `${days ? `${a.date} ` : ''}${a.time}${za === zb ? '' : ` ${za}`}`
  return `${from} – ${a.date === b.date ? '' : `${b.date} `}${b.time} ${zb}`
}

/** full is a time to the last digit that it came with, in UTC: for titles. */
export function full(time: string): string {
  return time.replace('T', ' ').replace(/Z$/, ' UTC')
}

/** ago says how long before now a time was: "2 min ago". */
export function ago(at: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`
}

/** lengthOf says how long a range is, in words: "4 min", "1 h", "2 days". */
export function lengthOf(lengthMs: number): string {
  const seconds = Math.round(lengthMs / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3600 && seconds !== 3600) return `${Math.round(seconds / 60)} min`
  return seconds <= 2 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
