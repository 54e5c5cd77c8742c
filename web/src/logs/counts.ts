// Counts of log lines by service, level and time, and what the facets and the histogram make of them.
import type { LogVolume } from '../api/types.ts'
import { ms } from '../words/times.ts'
import type { LevelName, Question } from './question.ts'

/** Counted is how many lines one service has of one level, in all and in each step that has some. */
export interface Counted {
  service: string
  level: LevelName
  lines: number
  steps: { at: number; lines: number }[]
}

/** Counts is what is known of a range. */
export interface Counts {
  /** in ms since 1970 */
  start: number
  end: number
  step: number
  groups: Counted[]
}

/** levelOf is the name of a severity as the API writes it (WARN), or as LogQL does (warn, unknown). */
export function levelOf(severity: string): LevelName {
  const name = severity.toLowerCase()
  if (name === 'critical') return 'fatal'
  return name === 'fatal' || name === 'error' || name === 'warn' || name === 'info' || name === 'debug' || name === 'trace' ? name : 'none'
}

/** fromVolume reads api/v1/logs/volume by service and severity. */
export function fromVolume(volume: LogVolume): Counts {
  return {
    start: ms(volume.start),
    end: ms(volume.end),
    step: volume.step_ns / 1e6,
    groups: volume.volumes.map((v) => ({
      service: v.service ?? '',
      level: levelOf(v.severity ?? ''),
      lines: v.records,
      steps: v.steps.map((s) => ({ at: ms(s.start), lines: s.records })),
    })),
  }
}

/** Matrix is what LogQL answers to a count by service and level. */
export interface Matrix {
  data: { result: { metric: Record<string, string>; values: [number, string][] }[] }
}

/** fromMatrix reads counts of LogQL, each of which is at the end of its step (ms). */
export function fromMatrix(matrix: Matrix, start: number, end: number, step: number): Counts {
  const groups = matrix.data.result.map(({ metric, values }) => {
    const steps = values.map(([at, n]) => ({ at: Math.round(at * 1000) - step, lines: Number(n) })).filter((s) => s.lines > 0)
    const service = metric.service_name ?? ''
    return {
      service: service === 'unknown_service' ? '' : service,
      level: levelOf(metric.detected_level ?? ''),
      lines: steps.reduce((sum, s) => sum + s.lines, 0),
      steps,
    }
  })
  return { start, end, step, groups }
}

export interface Choice {
  name: string
  lines: number
}

export interface Facets {
  levels: Choice[]
  services: Choice[]
  /** lines that fit levels and services, and lines in all */
  matched: number
  total: number
}

const always: LevelName[] = ['error', 'warn', 'info', 'debug']
const order: LevelName[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'none']

/**
 * facetsOf counts what each choice would show. A facet's own choices do not change its counts, and
 * the order of services does not change either: nothing moves while one ticks.
 */
export function facetsOf({ groups }: Counts, { levels, services }: Question): Facets {
  const inLevels = groups.filter((g) => levels.length === 0 || levels.includes(g.level))
  const inServices = groups.filter((g) => services.length === 0 || services.includes(g.service))
  const byLevel = sums(inServices, (g) => g.level)
  const byService = sums(inLevels, (g) => g.service)
  const all = sums(groups, (g) => g.service)
  const seen = new Set(groups.map((g) => g.level))
  const names = [...new Set([...all.keys(), ...services])].sort((a, b) => (all.get(b) ?? 0) - (all.get(a) ?? 0) || a.localeCompare(b))
  return {
    levels: order.filter((l) => always.includes(l) || seen.has(l) || levels.includes(l)).map((name) => ({ name, lines: byLevel.get(name) ?? 0 })),
    services: names.map((name) => ({ name, lines: byService.get(name) ?? 0 })),
    matched: total(inLevels.filter((g) => inServices.includes(g))),
    total: total(groups),
  }
}

function sums(groups: Counted[], by: (g: Counted) => string): Map<string, number> {
  const found = new Map<string, number>()
  for (const g of groups) found.set(by(g), (found.get(by(g)) ?? 0) + g.lines)
  return found
}

function total(groups: Counted[]): number {
  return groups.reduce((sum, g) => sum + g.lines, 0)
}

/** Column is a step of the histogram; at is its start in ms. */
export interface Column {
  at: number
  error: number
  warn: number
  other: number
}

/** histogram adds up all levels of the chosen services, a column a step, those without lines too. */
export function histogram({ start, end, step, groups }: Counts, services: string[]): Column[] {
  const first = groups.length > 0 && groups.every((g) => g.steps.every((s) => (s.at - start) % step === 0)) ? start : Math.floor(start / step) * step
  const columns: Column[] = []
  for (let at = first; at < end; at += step) columns.push({ at, error: 0, warn: 0, other: 0 })
  for (const g of groups) {
    if (services.length > 0 && !services.includes(g.service)) continue
    const kind = g.level === 'fatal' || g.level === 'error' ? 'error' : g.level === 'warn' ? 'warn' : 'other'
    for (const s of g.steps) {
      const column = columns[Math.floor((s.at - first) / step)]
      if (column) column[kind] += s.lines
    }
  }
  return columns
}

const seconds = [1, 2, 5, 10, 15, 30]
const quarters = [15, 30]
const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]

/** mostColumns is how many columns a histogram has at most. */
const mostColumns = 120

/** fineBelow is the range (ms) up to which steps may be any seconds, which are counted from the lines themselves. */
const fineBelow = 30 * 60_000

/** stepFor is how long (ms) steps of a range are: of longer ranges in quarters of a minute, for which counts are kept. */
export function stepFor(length: number): number {
  return fitting(length, [...(length < fineBelow ? seconds : quarters).map((s) => s * 1000), ...minutes.map((m) => m * 60_000)])
}

/** templateStepFor is stepFor for templates, which are counted by whole minutes. */
export function templateStepFor(length: number): number {
  return fitting(length, [...(length < fineBelow ? seconds.map((s) => s * 1000) : []), ...minutes.map((m) => m * 60_000)])
}

function fitting(length: number, steps: number[]): number {
  const day = 86_400_000
  return steps.find((s) => length / s <= mostColumns) ?? Math.ceil(length / mostColumns / day) * day
}
