import { expect, test } from 'vitest'
import type { Edge, Node, ServiceMap } from '../api/types.ts'
import { around, graphOf, stateOf } from './graph.ts'

const latency = (p95: number) => ({ mean_ns: p95, p50_ns: p95, p95_ns: p95, p99_ns: p95 })
const usual = { p95_ns: 1e7, error_rate: 0 }

function edge(client: string, server: string, more: Partial<Edge> = {}): Edge {
  return { client, server, connection_type: '', calls: 100, failed: 0, rate: 1, error_rate: 0, latency: latency(1e7), usual, bins: [], ...more }
}

function node(service: string, more: Partial<Node> = {}): Node {
  return { service, calls: 100, failed: 0, rate: 1, error_rate: 0, latency: latency(1e7), usual, bins: [], ...more }
}

const mapOf = (nodes: Node[], edges: Edge[]): ServiceMap => ({ nodes, edges }) as unknown as ServiceMap

test('services, stores and callers from outside are told apart', () => {
  const graph = graphOf(mapOf([node('shop'), node('stock')], [edge('user', 'shop', { connection_type: 'virtual_node' }), edge('shop', 'stock'), edge('stock', 'db', { connection_type: 'database' }), edge('shop', 'mail.example', { connection_type: 'virtual_node' })]))
  expect(graph.places.map((p) => [p.name, p.kind])).toEqual([['db', 'store'], ['mail.example', 'outside'], ['shop', 'service'], ['stock', 'service'], ['user', 'outside']])
  expect(graph.left).toBe(0)
})

test('failing goes before slow, and what has no spans of its own is as its calls are', () => {
  const graph = graphOf(mapOf([node('shop')], [edge('shop', 'db', { connection_type: 'database', latency: latency(9e8), calls: 50 }), edge('shop', 'bank', { failed: 30, error_rate: 0.3, latency: latency(9e8) })]))
  expect(graph.calls.map((c) => [c.server, c.state])).toEqual([['bank', 'failing'], ['db', 'slow']])
  expect(graph.places.map((p) => [p.name, p.state])).toEqual([['bank', 'failing'], ['db', 'slow'], ['shop', 'usual']])
})

test('calls of several kinds are one, and calls of a service to itself none', () => {
  const graph = graphOf(mapOf([node('a'), node('b')], [edge('a', 'b', { connection_type: 'virtual_node', calls: 1 }), edge('a', 'b', { calls: 80 }), edge('a', 'a')]))
  expect(graph.calls.map((c) => [c.client, c.server, c.edge.calls])).toEqual([['a', 'b', 80]])
})

test('of many, the unusual and their neighbours stay', () => {
  const names = Array.from({ length: 60 }, (_, i) => `s${String(i).padStart(2, '0')}`)
  const edges = names.slice(1).map((name, i) => edge(names[i] as string, name, name === 's50' ? { latency: latency(5e9), rate: 0.1 } : { rate: 100 - i }))
  const graph = graphOf(mapOf(names.map((n) => node(n)), edges))
  expect([graph.places.length, graph.left]).toEqual([40, 20])
  expect(['s48', 's49', 's50', 's51'].every((n) => graph.places.some((p) => p.name === n))).toBe(true)
  expect(graph.calls.every((c) => [c.client, c.server].every((n) => graph.places.some((p) => p.name === n)))).toBe(true)
})

test('the neighbours of one are those that it calls and that call it', () => {
  const graph = graphOf(mapOf(['a', 'b', 'c', 'd'].map((n) => node(n)), [edge('a', 'b'), edge('b', 'c'), edge('c', 'd'), edge('a', 'd')]))
  expect(around(graph, 'b').places.map((p) => p.name)).toEqual(['a', 'b', 'c'])
})

test('calls are slow as a whole or in some of their bins, not in one', () => {
  const course = (...times: number[]) => edge('a', 'b', { bins: times.map((t) => ({ start: '', calls: 9, failed: 0, p95_ns: t * 1e7 })) })
  expect([stateOf(course(1, 9, 1, 1)), stateOf(course(1, 9, 1, 9)), stateOf(edge('a', 'b', { latency: latency(9e7) }))]).toEqual(['usual', 'slow', 'slow'])
})
