// Which requests a metric is about: the fields of the picker, and the PromQL that they write.
import { quoted } from '../frame/find.ts'

/** Requests is what the picker chooses; an empty field is any. */
export interface Requests {
  service: string
  /** as the label span_kind has it, SPAN_KIND_SERVER */
  kind: string
  operation: string
  /** as the label status_code has it, STATUS_CODE_ERROR */
  status: string
}

/** anyRequests is all of them. */
export const anyRequests: Requests = { service: '', kind: '', operation: '', status: '' }

const latency = 'traces_spanmetrics_latency'
const labels: Record<string, keyof Requests> = { service: 'service', span_kind: 'kind', span_name: 'operation', status_code: 'status' }

/** kinds are the kinds of spans by the label's value, in the words of the picker. */
export const kinds: [value: string, words: string][] = [
  ['SPAN_KIND_SERVER', 'as server'],
  ['SPAN_KIND_CLIENT', 'as client'],
  ['SPAN_KIND_CONSUMER', 'as consumer'],
  ['SPAN_KIND_PRODUCER', 'as producer'],
  ['SPAN_KIND_INTERNAL', 'within itself'],
]

/** statuses are those of spans by the label's value, in the words of the picker. */
export const statuses: [value: string, words: string][] = [
  ['STATUS_CODE_ERROR', 'failed'],
  ['STATUS_CODE_UNSET', 'not told'],
  ['STATUS_CODE_OK', 'succeeded'],
]

/** ofRequests says whether the samples of a metric are requests, so that they have a heatmap. */
export function ofRequests(query: string): boolean {
  return /\btraces_(spanmetrics|service_graph)_/.test(query)
}

/** parseRequests reads what the picker can show; undefined where a query says more than that. */
export function parseRequests(query: string): Requests | undefined {
  const parts = /^\s*traces_spanmetrics_latency\s*(?:\{(.*)\})?\s*$/.exec(query)
  if (!parts) return undefined
  const found: Requests = { ...anyRequests }
  let rest = (parts[1] ?? '').trim()
  while (rest !== '') {
    const matcher = /^(\w+)\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:,\s*|$)/.exec(rest)
    const field = labels[matcher?.[1] ?? '']
    if (!matcher || !field) return undefined
    const value = text(matcher[2] as string)
    if (value === undefined) return undefined
    found[field] = value
    rest = rest.slice(matcher[0].length)
  }
  return found
}

function text(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string
  } catch {
    return undefined // PromQL knows escapes that JSON does not
  }
}

/** formatRequests writes what the picker chooses as PromQL. */
export function formatRequests({ service, kind, operation, status }: Requests): string {
  const matchers = [
    service && `service=${quoted(service)}`, kind && `span_kind=${quoted(kind)}`, operation && `span_name=${quoted(operation)}`,
    status && `status_code=${quoted(status)}`,
  ]
  return `${latency}{${matchers.filter(Boolean).join(',')}}`
}

/** subject names in words what a query is about: a service, or the metric itself. */
export function subject(query: string): string {
  const service = /\b(?:service|server)="((?:[^"\\]|\\.)*)"/.exec(query)?.[1]
  return service || (/[a-zA-Z_:][\w:]*/.exec(query)?.[0] ?? query)
}

/** p95Of is the PromQL for the 95th percentile of a histogram's query; of what is none it is the query itself. */
export function p95Of(query: string): string {
  const parts = /^\s*(traces_\w+?)(?:_bucket)?\s*(\{.*\})?\s*$/.exec(query)
  if (!parts || !/(latency|seconds)$/.test(parts[1] as string)) return query
  return `histogram_quantile(0.95, sum by (le) (rate(${parts[1]}_bucket${parts[2] ?? ''}[1m])))`
}
