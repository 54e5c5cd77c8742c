import { expect, test } from 'vitest'
import { formatRequests, ofRequests, parseRequests, subject, p95Of } from './selector.ts'

test.each([
  ['traces_spanmetrics_latency{service="storefront",span_kind="SPAN_KIND_SERVER"}', { service: 'storefront', kind: 'SPAN_KIND_SERVER', operation: '', status: '' }],
  ['traces_spanmetrics_latency{service="checkout",span_kind="SPAN_KIND_CLIENT",span_name="POST payment"}', { service: 'checkout', kind: 'SPAN_KIND_CLIENT', operation: 'POST payment', status: '' }],
  ['traces_spanmetrics_latency{service="bank",status_code="STATUS_CODE_ERROR"}', { service: 'bank', kind: '', operation: '', status: 'STATUS_CODE_ERROR' }],
  ['traces_spanmetrics_latency{}', { service: '', kind: '', operation: '', status: '' }],
  ['traces_spanmetrics_latency{service="a \\"b\\", c=\\\\d"}', { service: 'a "b", c=\\d', kind: '', operation: '', status: '' }],
])('%s is what the picker shows', (query, requests) => {
  expect(parseRequests(query)).toEqual(requests)
  expect(formatRequests(requests)).toBe(query)
})

test('spaces do not matter', () => {
  expect(parseRequests(' traces_spanmetrics_latency{ service = "a", span_name="b" } ')).toEqual({ service: 'a', kind: '', operation: 'b', status: '' })
  expect(parseRequests('traces_spanmetrics_latency')).toEqual({ service: '', kind: '', operation: '', status: '' })
})

test.each(['traces_spanmetrics_latency{service=~"a.*"}', 'traces_spanmetrics_latency{tenant="a"}', 'rate(up[5m])', 'traces_spanmetrics_latency{service="a"} > 1', 'traces_spanmetrics_latency{service="\\a"}'])(
  '%s says more than the picker can show',
  (query) => {
    expect(parseRequests(query)).toBeUndefined()
  },
)

test('metrics made of spans have a heatmap, others have lines', () => {
  expect(ofRequests('rate(traces_spanmetrics_calls_total{service="a"}[5m])')).toBe(true)
  expect(ofRequests('traces_service_graph_request_server_seconds{client="a"}')).toBe(true)
  expect(ofRequests('process_cpu_seconds_total')).toBe(false)
})

test('a query is about a service, or a metric', () => {
  expect(subject('traces_spanmetrics_latency{service="storefront"}')).toBe('storefront')
  expect(subject('up{job="x"}')).toBe('up')
})

test('Grafana is asked for the p95 of a histogram, and for all else as it is', () => {
  expect(p95Of('traces_spanmetrics_latency{service="shop"}')).toBe('histogram_quantile(0.95, sum by (le) (rate(traces_spanmetrics_latency_bucket{service="shop"}[1m])))')
  expect(p95Of('traces_spanmetrics_latency_bucket')).toBe('histogram_quantile(0.95, sum by (le) (rate(traces_spanmetrics_latency_bucket[1m])))')
  expect(p95Of('traces_spanmetrics_calls_total{service="shop"}')).toBe('traces_spanmetrics_calls_total{service="shop"}')
  expect(p95Of('sum(rate(x[5m]))')).toBe('sum(rate(x[5m]))')
})
