// What the search box makes of a text: an id leads to its trace, { to LogQL, a name to its metric.
import { sister, type Address } from './address.ts'

/** Reading is what Enter will do with a text. */
export interface Reading {
  does: string
  to: Address
}

const hex = /^[0-9a-f]{15,32}$/i
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const headers = [
  /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/i, // traceparent
  /^[0-9a-f]{16,32}-[0-9a-f]{16}(-[01d](-[0-9a-f]{16})?)?$/i, // b3
  /^[0-9a-f]{1,32}:[0-9a-f]{1,16}:[0-9a-f]{1,16}:[0-9a-f]{1,2}$/i, // uber-trace-id
  /^[0-9a-f]{32}\/\d+(;o=\d)?$/i, // X-Cloud-Trace-Context
  /(^|;)\s*root=1-[0-9a-f]{8}-[0-9a-f]{24}/i, // X-Amzn-Trace-Id
  /^1-[0-9a-f]{8}-[0-9a-f]{24}$/i,
  /^\|[0-9a-z.-]+[._|]/i, // Request-Id
  /^\d{16,20}$/, // decimal
]

/** isID says whether a text is an id of a trace, in one of the spellings that the API reads. */
export function isID(text: string): boolean {
  return hex.test(text) || uuid.test(text) || headers.some((h) => h.test(text))
}

/** metricOfService is the latency of a service as PromQL selects it. */
export function metricOfService(service: string): string {
  return `traces_spanmetrics_latency{service=${quoted(service)}}`
}

/** quoted writes a text as PromQL and LogQL have strings. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}

/** readings is what a text may mean, the likeliest first; services and metrics are those known. */
export function readings(input: string, services: string[], metrics: string[]): Reading[] {
  const text = input.trim()
  if (text === '') return []
  const logs: Reading = text.startsWith('{')
    ? { does: 'search log lines by LogQL', to: sister('logs', { q: text }) }
    : { does: 'search log lines for these words', to: sister('logs', { q: text }) }
  if (isID(text)) return [{ does: 'open this trace', to: sister('trace', {}, text) }, { does: 'see why it may be missing', to: sister('health', { id: text }) }, logs]
  if (text.startsWith('{')) return [logs]
  const lower = text.toLowerCase()
  const named = services.filter((s) => s.toLowerCase().includes(lower)).sort((a, b) => Number(b === text) - Number(a === text))
  const found = [
    ...named.slice(0, 4).map((s) => ({ does: `see the requests of ${s}`, to: sister('metric', { query: metricOfService(s) }) })),
    ...metrics.filter((m) => m.includes(lower)).slice(0, 4).map((m) => ({ does: `see the metric ${m}`, to: sister('metric', { query: m }) })),
  ]
  const exact = named[0] === text || metrics.includes(text) || /^\w+\{.*\}$/.test(text)
  if (/^[a-zA-Z_:][\w:]*\{.*\}$/.test(text)) found.unshift({ does: 'see this metric', to: sister('metric', { query: text }) })
  return exact ? [...found, logs] : [logs, ...found]
}
