// From time to place on the screen, and the marks of the axis.

/** Scale is the stretch of time (ns) that is seen, on so many pixels. */
export interface Scale {
  from: number
  to: number
  width: number
}

/** x is the place of a time, cut at the edges. */
export function x(s: Scale, at: number): number {
  return Math.min(s.width, Math.max(0, ((at - s.from) / (s.to - s.from)) * s.width))
}

/** timeAt is the time at a place. */
export function timeAt(s: Scale, place: number): number {
  return s.from + (place / s.width) * (s.to - s.from)
}

/** Bar is where a stretch of time is drawn; undefined where it is not seen. */
export interface Bar {
  x: number
  width: number
}

/** barOf is where a stretch is drawn, at least one pixel wide. */
export function barOf(s: Scale, begin: number, took: number): Bar | undefined {
  if (begin > s.to || begin + took < s.from) return undefined
  const left = Math.min(x(s, begin), s.width - 1)
  return { x: left, width: Math.max(1, x(s, begin + took) - left) }
}

/** merged joins bars that touch: thousands of members in one row are no more than the row has pixels. */
export function merged(bars: Bar[]): Bar[] {
  const out: Bar[] = []
  for (const b of bars.toSorted((p, q) => p.x - q.x)) {
    const last = out[out.length - 1]
    if (last && b.x <= last.x + last.width + 0.5) last.width = Math.max(last.width, b.x + b.width - last.x)
    else out.push({ ...b })
  }
  return out
}

/** ticks are times for the marks of an axis, at most so many: multiples of 1, 2 or 5. */
export function ticks(from: number, to: number, most: number): number[] {
  const rough = (to - from) / Math.max(1, most)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power
  const out: number[] = []
  for (let k = Math.ceil(from / step); k * step <= to; k++) out.push(k * step)
  return out
}

/** narrowest is the shortest stretch (ns) that one can zoom to. */
const narrowest = 1000

/** zoomed is a stretch made shorter (factor below 1) or longer around a time, within the whole; undefined for the whole. */
export function zoomed([from, to]: [number, number], factor: number, around: number, whole: [number, number]): [number, number] | undefined {
  const length = Math.max(narrowest, (to - from) * factor)
  if (length >= whole[1] - whole[0]) return undefined
  const start = Math.min(Math.max(whole[0], around - (around - from) * (length / (to - from))), whole[1] - length)
  return [start, start + length]
}
