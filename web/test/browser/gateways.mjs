// The gateways that go test ./test/page starts, their answers, and telemetry to send to them.
import assert from 'node:assert/strict'

/** A gateway by the name of its variables: PLAIT_TEST_DEMO_API is where the page of "demo" is. */
function gateway(name) {
  const setting = (what) => process.env[`PLAIT_TEST_${name.toUpperCase()}_${what}`]
  return {
    get api() {
      return setting('API') ?? assert.fail(`PLAIT_TEST_${name.toUpperCase()}_API is not set: run go test ./test/page, or see docs/contributing.md`)
    },
    get ingest() {
      return setting('INGEST') ?? assert.fail(`PLAIT_TEST_${name.toUpperCase()}_INGEST is not set`)
    },
    get grpc() {
      return setting('GRPC') ?? assert.fail(`PLAIT_TEST_${name.toUpperCase()}_GRPC is not set`)
    },
  }
}

/** spikesWithin is how long (ms) it may take from the shop's opening until a fault stands against what is usual. */
export const spikesWithin = 240_000

/** demo has the shop in it; tests must not send there. */
export const demo = gateway('demo')
/** made is for telemetry that tests make: any test may send, under names of its own. The service limited-till may store one span a second. */
export const made = gateway('made')
/** first has never got anything: for the test of the first start alone. */
export const first = gateway('first')

/** answer asks the API of a gateway, by a path such as 'api/v1/traces?limit=1'. */
export async function answer({ api }, path) {
  const response = await fetch(`${api}/${path}`)
  assert.ok(response.ok, `GET ${path} is answered ${response.status}: ${response.ok ? '' : await response.text()}`)
  return response.json()
}

/** newID is a random id in hex: of 16 bytes for a trace, of 8 for a span. */
export const newID = (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex')

/**
 * sendSpans stores spans. Each has trace, id, service and name, and may have parent, start (Date), ms,
 * kind (1 to 5, as OTLP counts), failed (true, or a message), attributes, resource and events.
 */
export function sendSpans(to, spans) {
  return send(to, 'v1/traces', 'resourceSpans', 'scopeSpans', 'spans', spans, (span) => {
    const start = BigInt((span.start ?? new Date()).getTime()) * 1_000_000n
    return {
      traceId: span.trace,
      spanId: span.id,
      parentSpanId: span.parent,
      name: span.name,
      kind: span.kind ?? 1,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(Math.round((span.ms ?? 1) * 1e6))),
      attributes: attributesOf(span.attributes),
      events: span.events?.map((e) => ({ name: e.name, timeUnixNano: nanos(e.time), attributes: attributesOf(e.attributes) })),
      status: span.failed ? { code: 2, message: span.failed === true ? '' : span.failed } : {},
    }
  })
}

/**
 * sendLines stores log lines. Each has service and body, and may have time (Date), severity (1 to 24, as
 * OTLP counts), trace, span, attributes and resource.
 */
export function sendLines(to, lines) {
  return send(to, 'v1/logs', 'resourceLogs', 'scopeLogs', 'logRecords', lines, (line) => ({
    timeUnixNano: nanos(line.time),
    severityNumber: line.severity ?? 9,
    body: valueOf(line.body),
    traceId: line.trace,
    spanId: line.span,
    attributes: attributesOf(line.attributes),
  }))
}

async function send({ ingest }, path, ofResources, ofScopes, list, records, write) {
  const byResource = {}
  for (const r of records) (byResource[JSON.stringify({ 'service.name': r.service, ...r.resource })] ??= []).push(write(r))
  const body = {
    [ofResources]: Object.entries(byResource).map(([resource, written]) => ({
      resource: { attributes: attributesOf(JSON.parse(resource)) },
      [ofScopes]: [{ [list]: written }],
    })),
  }
  const response = await fetch(`${ingest}/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const text = await response.text()
  assert.ok(response.ok && !text.includes('rejected'), `POST ${path} is answered ${response.status}: ${text}`)
}

const nanos = (time = new Date()) => String(BigInt(time.getTime()) * 1_000_000n)

const attributesOf = (attributes = {}) => Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))

function valueOf(value) {
  if (typeof value === 'boolean') return { boolValue: value }
  if (Number.isInteger(value)) return { intValue: String(value) }
  if (typeof value === 'number') return { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } }
  if (typeof value === 'object') return { kvlistValue: { values: attributesOf(value) } }
  return { stringValue: value }
}
