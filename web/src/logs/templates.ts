// Templates of log lines: how an address names one, and which lines are of it.
import type { Template } from '../api/types.ts'
import type { Bar } from '../parts/spark.tsx'
import { bodyOf } from '../parts/marks.tsx'
import { ms } from '../words/times.ts'
import { spoken, type Line } from './line.ts'

/** shortOf names a template in an address by six digits: its text may be longer than an address. */
export function shortOf({ template, severity, service }: Template): string {
  let hash = 0x811c9dc5 // FNV-1a
  for (const c of `${service}\n${severity}\n${template}`) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0').slice(0, 6)
}

/** matcher says which lines are of any of some templates. */
export function matcher(templates: Template[]): (line: Line) => boolean {
  const all = templates.map((t) => ({ ...t, text: expressionOf(t.template) }))
  return (line) => all.some((t) => t.service === line.service && t.severity === line.severity && t.text.test(bodyOf(line.body)))
}

// A template is a body with a mark for each run of digits, and for ids.
function expressionOf(template: string): RegExp {
  const parts = template.split('<_>').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('[0-9a-fA-F]+')}$`)
}

const varies = /\b[0-9a-f]{16,32}\b|\d+/gi

/** templatesOf finds the templates of some lines, as the gateway does of all: the most severe first, then the most frequent. */
export function templatesOf(lines: Line[]): Template[] {
  const found = new Map<string, Template>()
  for (const line of lines) {
    const template = bodyOf(line.body).replace(varies, '<_>')
    const key = `${line.service}\n${line.severity}\n${template}`
    const known = found.get(key) ?? { template, severity: line.severity, service: line.service, count: 0, first_seen: line.time, last_seen: line.time, steps: [] }
    known.count++
    known.last_seen = line.time
    known.steps?.push({ start: line.time, records: 1 })
    found.set(key, known)
  }
  return [...found.values()].sort((a, b) => rank(b) - rank(a) || b.count - a.count)
}

const ranks: Template['severity'][] = ['', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

function rank(t: Template): number {
  return ranks.indexOf(t.severity)
}

/** shownTemplate is a template as it is read: ‹n› for a run of digits. */
export function shownTemplate(template: string): string {
  return spoken(template).replaceAll('<_>', '‹n›')
}

/** courseOf is the bars of a template's course over a range, at most so many. */
export function courseOf(t: Template, start: number, end: number, most = 40): Bar[] {
  const bars = Array.from({ length: most }, (): Bar => ({ value: 0, kind: 'usual' }))
  for (const { start: at, records } of t.steps ?? []) {
    const bar = bars[Math.min(most - 1, Math.max(0, Math.floor(((ms(at) - start) / (end - start)) * most)))]
    if (bar) bar.value += records
  }
  return bars
}
