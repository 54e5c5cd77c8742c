// The question as SQL over the view plait.logs.
import { sqlText } from '../frame/hand.ts'
import type { LevelName, Question } from './question.ts'

const numbers: Record<LevelName, [number, number]> = { none: [0, 0], trace: [1, 4], debug: [5, 8], info: [9, 12], warn: [13, 16], error: [17, 20], fatal: [21, 24] }

/** sqlOf is a question as SQL; empty for LogQL, which SQL cannot say. */
export function sqlOf(question: Question, start: string, end: string): string {
  const { kind, q, levels, services, joined, attrs } = question
  if (kind === 'logql') return ''
  const conditions = [
    `time >= ${sqlText(start)}`,
    `time < ${sqlText(end)}`,
    services.length > 0 && `service IN (${services.map(sqlText).join(', ')})`,
    levels.length > 0 && `(${levels.map((l) => `severity_number BETWEEN ${numbers[l].join(' AND ')}`).join(' OR ')})`,
    joined && `trace_id IS ${joined === 'yes' ? 'NOT ' : ''}NULL`,
    kind === 'id' && `trace_id = plait.trace_id(${sqlText(q)})`,
    kind === 'words' && `body ILIKE ${sqlText(`%${q.replace(/[\\%_]/g, '\\$&')}%`)}`,
    ...attrs.map(attribute),
  ].filter(Boolean)
  return `SELECT time, severity, service, body, trace_id_hex, span_id\nFROM plait.logs\nWHERE ${conditions.join('\n  AND ')}\nORDER BY time DESC\nLIMIT 100;`
}

function attribute(pair: string): string {
  const cut = pair.indexOf('=')
  const [name, value] = [sqlText(pair.slice(0, cut)), sqlText(pair.slice(cut + 1))]
  return `(attributes ->> ${name} = ${value} OR resource ->> ${name} = ${value})`
}
