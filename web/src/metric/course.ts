// The course of series over time, as the Prometheus API answers it and as lines are drawn.
import { count, digits, duration } from '../words/numbers.ts'

/** mostSeries and mostPoints bound what is drawn. */
export const mostSeries = 20
const mostPoints = 500

/** Matrix is the answer of Prometheus's query_range. */
export interface Matrix {
  data: { resultType: string; result: { metric: Record<string, string>; values?: [seconds: number, value: string][] }[] }
}

/** Line is a series with a value, or null, for each step of the time. */
export interface Line {
  name: string
  values: (number | null)[]
  highest: number
  highestAt: number
}

/** Course is the lines of a range, those that reach highest first. */
export interface Course {
  /** of the first step, in s since 1970, and the length of a step */
  start: number
  step: number
  times: number[]
  lines: Line[]
  /** how many series there are beyond those drawn */
  more: number
  lowest: number
  highest: number
}

/** stepOf is the length of a step in whole seconds, so that a range (ms) has few enough. */
export function stepOf(length: number): number {
  return Math.max(1, Math.ceil(length / 1000 / mostPoints))
}

/** courseOf makes lines of an answer that was asked for from start, in steps (s). */
export function courseOf(matrix: Matrix, start: number, end: number, step: number): Course {
  const length = Math.floor((end - start) / step) + 1
  const all = matrix.data.result.map((series) => lineOf(series.metric, series.values ?? [], start, step, length))
  const lines = all.filter((l) => Number.isFinite(l.highest)).sort((a, b) => b.highest - a.highest)
  const shown = lines.slice(0, mostSeries)
  const values = shown.flatMap((l) => l.values.filter((v) => v !== null))
  const times = Array.from({ length }, (_, i) => start + i * step)
  const highest = Math.max(...values)
  return { start, step, times, lines: shown, more: lines.length - shown.length, lowest: Math.min(0, ...values), highest: highest > 0 ? highest : values.length > 0 ? 0 : 1 }
}

function lineOf(metric: Record<string, string>, values: [number, string][], start: number, step: number, length: number): Line {
  const line: Line = { name: nameOf(metric), values: Array.from({ length }, () => null), highest: -Infinity, highestAt: 0 }
  for (const [at, text] of values) {
    const [value, index] = [Number(text), Math.round((at - start) / step)]
    if (!Number.isFinite(value) || index < 0 || index >= length) continue
    line.values[index] = value
    if (value > line.highest) Object.assign(line, { highest: value, highestAt: at })
  }
  return line
}

/** nameOf writes a series as PromQL does. */
export function nameOf({ __name__: name = '', ...labels }: Record<string, string>): string {
  const inner = Object.entries(labels).map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(', ')
  return inner ? `${name}{${inner}}` : name || '{}'
}

/** written is a value with the unit that its metric's name ends in. */
export function written(value: number, query: string): string {
  if (/_seconds(\b|_(sum|max|min)\b)/.test(query) && !/\brate\(|_bucket|_count/.test(query)) return duration(value * 1e9)
  return Math.abs(value) >= 1000 ? count(value) : digits(value)
}
