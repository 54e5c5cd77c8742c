// Jumping to a line that an address names, and that is not on the newest page.
import type { Column } from './counts.ts'

/** beside is about how many lines are read after the one that is jumped to. */
const beside = 250

/** until is up to when (ms) lines must be read so that the one at a time is among them, with some after it. */
export function until(columns: Column[], step: number, at: number, end: number): number {
  let lines = 0
  for (const c of columns) {
    if (c.at + step <= at) continue
    const all = c.error + c.warn + c.other
    // Of the column that the line is in only the part after it counts, as if lines came evenly.
    const [from, to] = [Math.max(c.at, at), c.at + step]
    const here = all * ((to - from) / step)
    if (lines + here >= beside) return Math.min(end, Math.ceil(from + ((beside - lines) / here) * (to - from)) + 1)
    lines += here
  }
  return end
}
