// What a tail keeps of the lines that come: not more than can be read, nor more than fits.
import { merged, type Line } from './line.ts'

/** mostASecond is how many lines a second a tail shows; of more it takes one in so many. */
export const mostASecond = 50

/** mostKept is how many lines the list keeps; older ones are dropped at the far end. */
export const mostKept = 10_000

/** Sampled is lines of which one in `oneIn` was taken. */
export interface Sampled {
  lines: Line[]
  oneIn: number
}

/** Sampler takes of lines that come faster than they can be read one in so many, evenly. */
export class Sampler {
  /** a second's allowance is spent by what is taken; the time (ms) of the last refill */
  private last: number
  private allowance = mostASecond
  private skipped = 0

  constructor(now: number) {
    this.last = now
  }

  /** take chooses of the lines that came at a time, in ms. */
  take(lines: Line[], now: number): Sampled {
    this.allowance = Math.min(mostASecond, this.allowance + ((now - this.last) / 1000) * mostASecond)
    this.last = now
    const room = Math.max(1, Math.floor(this.allowance))
    const oneIn = Math.max(1, Math.ceil(lines.length / room))
    const taken = lines.filter((_, i) => (i + this.skipped) % oneIn === 0)
    this.skipped = oneIn === 1 ? 0 : (this.skipped + lines.length) % oneIn
    this.allowance -= taken.length
    return { lines: taken, oneIn }
  }
}

/** Kept is the lines of a list, and those that wait below it while it is held still. */
export interface Kept {
  lines: Line[]
  waiting: Line[]
  /** lines that came and were dropped at the far end, because there is no room for them */
  dropped: number
}

/** nothing is a list before its first line. */
export const nothing: Kept = { lines: [], waiting: [], dropped: 0 }

/** arrived is the list with new lines: below the others, or waiting while the list is held. */
export function arrived(kept: Kept, fresh: Line[], held: boolean): Kept {
  const waiting = merged(kept.waiting, fresh)
  return held ? bounded({ ...kept, waiting }) : released({ ...kept, waiting })
}

/** released is the list with the lines that waited. */
export function released({ lines, waiting, dropped }: Kept): Kept {
  return bounded({ lines: waiting.length > 0 ? merged(lines, waiting) : lines, waiting: [], dropped })
}

// While the list is held what waits takes the room of the oldest that wait: the list is still.
function bounded({ lines, waiting, dropped }: Kept): Kept {
  const [over, waitingOver] = [Math.max(0, lines.length - mostKept), Math.max(0, waiting.length - mostKept)]
  return {
    lines: over > 0 ? lines.slice(over) : lines,
    waiting: waitingOver > 0 ? waiting.slice(waitingOver) : waiting,
    dropped: dropped + over + waitingOver,
  }
}

/** again is how long (s) to wait before the next attempt after so many that failed: 1, 2, 4 … 30. */
export function again(attempts: number): number {
  return Math.min(30, 2 ** attempts)
}
