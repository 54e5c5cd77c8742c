// A log line as the view has it, whether the API told it or Loki's.
import type { LogRecord, Severity } from '../api/types.ts'
import { bodyOf, shown } from '../parts/marks.tsx'
import { duration } from '../words/numbers.ts'
import { withoutLayout } from '../words/saying.ts'
import { ms } from '../words/times.ts'
import { levelOf } from './counts.ts'

export interface Line {
  /** tells the line from others; the record's id where that is known */
  key: string
  /** as the API names the record; empty for a line that LogQL told */
  id: string
  /** RFC 3339 with nanoseconds: such times compare as texts */
  time: string
  /** the time in ms since 1970 */
  at: number
  severity: Severity
  service: string
  body: unknown
  traceId: string
  spanId: string
  trace?: LogRecord['trace']
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
}

/** ofRecord is a record of the API as a line. */
export function ofRecord(r: LogRecord): Line {
  return {
    key: r.id,
    id: r.id,
    time: r.time,
    at: ms(r.time),
    severity: r.severity,
    service: r.service,
    body: r.body,
    traceId: r.trace_id ?? '',
    spanId: r.span_id ?? '',
    ...(r.trace && { trace: r.trace }),
    attributes: r.attributes,
    resource: r.resource,
  }
}

/** Streams is what LogQL answers, and what its tail tells. */
export interface Streams {
  stream: Record<string, string>
  values: [string, string][]
}

const severities: Record<string, Severity> = { fatal: 'FATAL', error: 'ERROR', warn: 'WARN', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', none: '' }
/** told are the labels that the line shows elsewhere. */
const told = new Set(['detected_level', 'severity_number', 'severity_text', 'service_name', 'trace_id', 'span_id', 'flags'])

/** ofStreams is LogQL's streams as lines, the oldest first. */
export function ofStreams(streams: Streams[]): Line[] {
  const times = new Map<string, number>()
  const lines = streams.flatMap(({ stream, values }) =>
    values.map(([nanos, text]): Line => {
      const time = timeOf(nanos)
      const service = stream.service_name === 'unknown_service' ? '' : (stream.service_name ?? '')
      const twin = twinOf({ time, service, spanId: stream.span_id ?? '', body: text })
      const nth = times.get(twin) ?? 0
      times.set(twin, nth + 1)
      return {
        key: nth === 0 ? twin : `${twin} ${nth}`,
        id: '',
        time,
        at: ms(time),
        severity: severities[levelOf(stream.detected_level ?? '')] ?? '',
        service,
        body: text,
        traceId: stream.trace_id ?? '',
        spanId: stream.span_id ?? '',
        attributes: Object.fromEntries(Object.entries(stream).filter(([name]) => !told.has(name))),
        resource: {},
      }
    }),
  )
  return lines.sort((a, b) => compare(a.time, b.time))
}

/** twinOf is the same for a line that the API told and for one that LogQL told, if they are one. */
export function twinOf({ time, service, spanId, body }: Pick<Line, 'time' | 'service' | 'spanId' | 'body'>): string {
  return `${nanosOf(time)} ${service} ${spanId} ${bodyOf(body).slice(0, 200)}`
}

/** nameOf names a line in an address: by its id, or by its time where LogQL told it. */
export function nameOf(line: Line): string {
  return line.id || nanosOf(line.time)
}

function timeOf(nanos: string): string {
  const padded = nanos.padStart(10, '0')
  const whole = new Date(Number(padded.slice(0, -9)) * 1000).toISOString()
  return `${whole.slice(0, 19)}.${padded.slice(-9)}Z`
}

/** nanosOf is the nanoseconds since 1970 of a line's time, as Loki's API has times. */
export function nanosOf(time: string): string {
  const [whole = '', fraction = ''] = time.replace('Z', '').split('.')
  return `${Math.floor(Date.parse(`${whole}Z`) / 1000)}${fraction.padEnd(9, '0')}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * merged is two lists of lines, each the oldest first, as one without what is twice. Of lines of one
 * time those of the first list come first.
 */
export function merged(a: Line[], b: Line[]): Line[] {
  const known = new Set(a.map((l) => l.key))
  const fresh = b.filter((l) => !known.has(l.key))
  if (fresh.length === 0) return a
  const last = a.at(-1)
  if (!last || last.time <= (fresh[0] as Line).time) return [...a, ...fresh]
  return [...a, ...fresh].sort((x, y) => compare(x.time, y.time))
}

/** textOf is a line's text on one line, as much of it as a list can show. */
export function textOf(line: Line): string {
  return shown(spoken(bodyOf(line.body)).slice(0, 2000)).replace(/\r?\n/g, ' ↵ ')
}

const message = /"(?:message|msg|Message|@m)"\s*:\s*("(?:[^"\\]|\\.)*")/

/**
 * spoken is what a text says: of a JSON object its message, and {…} for all else, of a logger's layout what comes after it, and … for
 * that. Other texts are as they are.
 */
export function spoken(text: string): string {
  const found = text.startsWith('{') ? message.exec(text)?.[1] : undefined
  if (found === undefined) {
    const rest = withoutLayout(text)
    return rest === text ? text : `… ${rest}`
  }
  try {
    return `${JSON.parse(found) as string}  {…}`
  } catch {
    return text
  }
}

const id = /[0-9a-f]{4,}(?:-[0-9a-f]{2,})*/giu

/** fitted is a text cut to so many signs, and never within an id: half an id names nothing. */
export function fitted(text: string, signs: number): string {
  if (text.length <= signs) return text
  let end = Math.max(1, signs - 1)
  for (const found of text.slice(0, signs + 64).matchAll(id)) {
    const [from, to] = [found.index, found.index + found[0].length]
    if (from < end && end < to && found[0].length >= 8 && from > 0) end = from
  }
  return `${text.slice(0, end).trimEnd()}…`
}

/** opened is a line's text in full: JSON is printed over several lines. */
export function opened(line: Line): string {
  const { body } = line
  if (typeof body !== 'string') return shown(JSON.stringify(body, null, 2) ?? '')
  const text = body.trim()
  if (!/^[[{]/.test(text)) return shown(body)
  try {
    return shown(JSON.stringify(JSON.parse(text), null, 2))
  } catch {
    return shown(body)
  }
}

const methods = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b/

/** traceWords says what trace a line belongs to: method, duration. */
export function traceWords(line: Line): string {
  const { trace } = line
  if (line.traceId === '') return 'no trace id'
  if (!trace || trace.duration_ns === 0) return 'trace'
  return `${methods.exec(trace.root_name)?.[0] ?? 'trace'} ${duration(trace.duration_ns)}`
}
