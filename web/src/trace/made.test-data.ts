// Made traces for tests: a drawing of spans, as pivot/trace with slim=1 answers them.
import type { SlimLog, SlimSpan, SlimTrace } from '../api/types.ts'
import { read, type Trace } from './model.ts'

/** Made is a span of a drawing; times are ms. */
export interface Made {
  name: string
  service?: string
  kind?: string
  at?: number
  took?: number
  critical?: number
  failed?: boolean
  message?: string
  flags?: Partial<Pick<SlimSpan, 'asynchronous' | 'shared' | 'skew_ns'>>
  logs?: [severity: string, text: string][]
  events?: string[]
  children?: Made[]
}

const ms = 1e6

/** madeSlim draws spans below one another; ids count from 1, in depth-first order. */
export function madeSlim(roots: Made[], rest: Partial<SlimTrace> = {}): SlimTrace {
  const services: string[] = []
  const spans: SlimSpan[] = []
  const path: SlimTrace['critical_path'] = []
  let errors = 0
  const add = (m: Made, depth: number, parent: string) => {
    const service = m.service ?? 'web'
    if (!services.includes(service)) services.push(service)
    const span_id = idOf(spans.length)
    const offset_ns = (m.at ?? 0) * ms
    const logs = (m.logs ?? []).map(([severity, body], i): SlimLog => ({ id: `${span_id}-${i}`, offset_ns: offset_ns + i * ms, severity, service, body, span_id }))
    if (m.failed) errors++
    if (m.critical) path.push({ span: spans.length, offset_ns, duration_ns: m.critical * ms })
    spans.push({
      span_id, ...(parent && { parent_span_id: parent }), depth, children: m.children?.length ?? 0, resource: services.indexOf(service), name: m.name, kind: m.kind ?? 'server',
      offset_ns, duration_ns: (m.took ?? 1) * ms, self_time_ns: 0, ...(m.critical && { critical_path_ns: m.critical * ms }), status: m.failed ? 'error' : 'unset',
      ...(m.message && { status_message: m.message }), ...m.flags, ...(logs.length && { logs }), ...(m.events && { events: m.events.map((name) => ({ name, offset_ns })) }),
    } as SlimSpan)
    for (const c of m.children ?? []) add(c, depth + 1, span_id)
  }
  for (const r of roots) add(r, 0, '')
  const [first] = roots
  return {
    trace: {
      trace_id: '0af7651916cd43dd8448eb211c80319c', root_service: first?.service ?? (first ? 'web' : ''), root_name: first?.name ?? '', start: '2026-11-26T12:00:00.000000001Z', duration_ns: (first?.took ?? 0) * ms,
      span_count: spans.length, error_count: errors, services, links: { trace: '', logs: '', metrics: '' },
    },
    resources: services.map((service) => ({ service, attributes: {} })), scopes: [], spans, critical_path: path, unattached_logs: [], missing_parents: [], truncated: false, logs_truncated: false,
    ...rest,
  }
}

/** idOf is the id of the span that is drawn at a place. */
export function idOf(place: number): string {
  return (place + 1).toString(16).padStart(16, '0')
}

/** made is a drawn trace. */
export function made(roots: Made[], rest: Partial<SlimTrace> = {}): Trace {
  return read(madeSlim(roots, rest))
}

/** times draws the same span n times, one after the other. */
export function times(n: number, m: Made): Made[] {
  return Array.from({ length: n }, (_, i) => ({ ...m, at: (m.at ?? 0) + i * (m.took ?? 1) }))
}
