import { expect, test } from 'vitest'
import type { Edge } from '../api/types.ts'
import { boxOfCall, queryOfCall } from './questions.ts'

const start = Date.UTC(2026, 10, 26, 1)
const bins = [1, 9, 1, 8, 8, 1].map((times, i) => ({ start: new Date(start + i * 15_000).toISOString(), calls: 10, failed: i === 2 ? 5 : 0, p95_ns: times * 1e7 }))
const edge = (more: Partial<Edge>) => ({ client: 'shop', server: 'stock', connection_type: '', calls: 60, failed: 0, error_rate: 0, usual: { p95_ns: 1e7, error_rate: 0 }, bins, ...more }) as Edge

test('names are quoted in the query of a call', () => {
  expect(queryOfCall(edge({ server: 'db "a"' }))).toBe('traces_service_graph_request_server_seconds{client="shop",server="db \\"a\\""}')
})

test('the box is around the last stretch beyond the usual', () => {
  expect(boxOfCall(edge({}))).toBe(`${start + 45_000},${start + 75_000},0.02,`)
  expect(boxOfCall(edge({ failed: 5, error_rate: 0.1 }))).toBe(`${start + 30_000},${start + 45_000},,`)
  expect(boxOfCall(edge({ usual: null }))).toBe('')
})
