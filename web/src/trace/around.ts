// Log lines without a trace id that may belong to what happened: of the same services, around the same time.
import type { LogRecord } from '../api/types.ts'
import { ms } from '../words/times.ts'
import { rankOf } from './model.ts'

/** before and after are how long (ms) before and after a trace lines are looked for. */
export const before = 60_000
export const after = 5_000

/** fewest is how many lines are shown. */
const fewest = 3

/** nearest are the lines that tell most: of each text one, the worst first, then the nearest to the trace's start. */
export function nearest(lines: LogRecord[], start: number): LogRecord[] {
  const seen = new Set<string>()
  return lines
    .toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity) || Math.abs(ms(a.time) - start) - Math.abs(ms(b.time) - start))
    .filter((l) => {
      const text = `${l.service} ${String(l.body).replace(/\d+/g, '0')}`
      return !seen.has(text) && seen.add(text)
    })
    .slice(0, fewest)
}
