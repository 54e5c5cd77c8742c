import { expect, test } from 'vitest'
import type { Edge, Spike } from '../api/types.ts'
import { longestText } from './first-seen.tsx'
import { barsOf, boxOf, headlineOf, numberOf, rowsOf, withBins } from './spikes.ts'
import { deepest, degree, isUnusual, slowness, worst } from './unusual.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 26, 1) + seconds * 1000).toISOString()

function spike(service: string, from: number, to: number, more: Partial<Spike> = {}): Spike {
  return {
    rank: 1, kind: 'latency', service, name: `GET /${service}`, span_kind: 'server', start: at(from), end: at(to), requests: 40, failed: 0, p95_ns: 2e9,
    usual: { spans: 100, p95_ns: 2e7, error_rate: 0 }, query: `traces_spanmetrics_latency{service="${service}"}`, min_seconds: 0.04,
    bins: [0, 15, 30, 45].map((s) => ({ start: at(s), requests: 10, failed: 0, p95_ns: s === from ? 2e9 : 2e7 })), links: { pivot: '' }, ...more,
  }
}

function edge(client: string, server: string, p95: number, usual: number | null, failed = 0): Edge {
  return {
    client, server, connection_type: '', calls: 100, failed, rate: 1, error_rate: failed / 100, latency: { mean_ns: p95, p50_ns: p95, p95_ns: p95, p99_ns: p95 },
    usual: usual === null ? null : { p95_ns: usual, error_rate: 0 }, bins: [{ start: at(0), calls: 50, failed, p95_ns: p95 }],
  }
}

const edges = [edge('shop', 'stock', 2e9, 1e7), edge('stock', 'db', 2e9, 1e7), edge('shop', 'cart', 1e7, 1e7)]

test('a trouble that passes through services is listed at the head of the chain', () => {
  const rows = rowsOf([spike('db', 15, 30), spike('stock', 15, 30), spike('shop', 15, 30), spike('shop', 15, 30, { span_kind: 'client', name: 'GET stock' })], edges)
  expect(rows.map((r) => [r.spike.service, r.spike.span_kind, r.behind.toSorted()])).toEqual([['shop', 'server', ['db', 'stock']]])
})

test('a spike of its own, at another time, is a row of its own', () => {
  expect(rowsOf([spike('stock', 45, 60), spike('shop', 15, 30)], edges)).toHaveLength(2)
})

test('what fails goes before what is slow for that', () => {
  const rows = rowsOf([spike('shop', 15, 30), spike('shop', 15, 30, { kind: 'errors', failed: 25 })], edges)
  expect(rows.map((r) => r.spike.kind)).toEqual(['errors'])
})

test('the same spike three times folds into its newest', () => {
  const all = [spike('shop', 45, 60), spike('shop', 15, 30), spike('shop', 0, 10)]
  const rows = rowsOf(all, edges)
  expect(rows).toHaveLength(1)
  expect([rows[0]?.spike.start, rows[0]?.all.length]).toEqual([at(45), 3])
  expect(barsOf(rows[0] as (typeof rows)[0]).map((b) => b.kind)).toEqual(['unusual', 'unusual', 'usual', 'unusual'])
  expect(rowsOf(all.slice(1), edges)).toHaveLength(2)
})

test('the bins of an operation are those of its newest spike', () => {
  const [newest, older, other] = [spike('shop', 45, 60), spike('shop', 0, 10, { bins: [] }), spike('cart', 0, 10, { bins: [] })]
  expect(withBins([newest, older, other]).map((s) => s.bins.length)).toEqual([4, 4, 0])
})

test('the headline counts what people notice', () => {
  const rows = rowsOf([spike('shop', 45, 60, { kind: 'errors', failed: 5, name: 'POST /checkout' }), spike('shop', 15, 30), spike('stock', 15, 30)], edges)
  expect(headlineOf(rows)).toEqual({ service: 'shop', text: 'was slow once and failed once' })
  expect(headlineOf([])).toBeUndefined()
  const logged = rowsOf([spike('travel', 45, 60, { kind: 'errors', logged: true }), spike('order', 15, 30), spike('order', 15, 30, { name: 'SELECT' })], [])
  expect(headlineOf(logged), 'two operations at one time are one trouble').toEqual({ service: 'travel', text: 'logged errors once' })
})

test('the link of a spike draws its box', () => {
  expect(boxOf(spike('shop', 15, 30)).box).toBe(`${Date.parse(at(15))},${Date.parse(at(30))},0.04,`)
  expect(boxOf(spike('shop', 15, 30, { kind: 'errors' })).query).toBe('traces_spanmetrics_latency{service="shop",status_code="STATUS_CODE_ERROR"}')
})

test('numbers stand beside their usual', () => {
  expect(numberOf(spike('shop', 0, 1, { kind: 'errors', failed: 25, requests: 45 }))).toEqual({ now: '25 of 45 requests failed', usual: 'usually none' })
})

test('unusual is against the own usual, in the range or in its worst bin', () => {
  const [slow, , usual] = edges as [Edge, Edge, Edge]
  expect([isUnusual(slow), isUnusual(usual), isUnusual(edge('a', 'b', 9e9, null))]).toEqual([true, false, false])
  expect(slowness(slow)).toBe(200)
  expect(worst(slow).times).toBe(200)
  expect(degree(edge('a', 'b', 1e7, 1e7, 30))).toBeGreaterThan(degree(usual))
})

test('where to look is the unusual call furthest down', () => {
  expect(deepest(edges).map((e) => e.server)).toEqual(['db'])
})

test('of a template the longest text is searched for', () => {
  expect(longestText('slow query: <_> ms, sequential scan on stock, <_> rows')).toBe('ms, sequential scan on stock,')
})
