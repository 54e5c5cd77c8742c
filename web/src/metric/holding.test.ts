import { expect, test } from 'vitest'
import type { Heatmap } from '../api/types.ts'
import { alikeLit, formatLit, heldOf, holdingText, parseLit } from './holding.ts'

const lit = { key: 'warehouse', value: 'leipzig', service: '' }
const map = {
  start: '2026-11-26T01:00:00Z', step_ns: 5e9, columns: 2, edges: [0.001, 0.01, 1], totals: [{ requests: 1200, failed: 0 }, { requests: 34, failed: 0 }],
  cells: [{ column: 0, row: 0, requests: 1200, failed: 0, holding: 500, usual: 1 }, { column: 1, row: 0, requests: 4, failed: 0, usual: 1 }, { column: 1, row: 1, requests: 30, failed: 0, holding: 30, usual: 1 }],
} as unknown as Heatmap

test('a value is spelt as the API has it', () => {
  expect(parseLit('warehouse=leipzig', '')).toEqual(lit)
  expect(parseLit('url=/a?b=c', 'shop')).toEqual({ key: 'url', value: '/a?b=c', service: 'shop' })
  expect([parseLit('', ''), parseLit('=x', ''), parseLit('warehouse', '')]).toEqual([undefined, undefined, undefined])
  expect(parseLit(formatLit(lit), '')).toEqual(lit)
  expect([alikeLit(lit, { ...lit }), alikeLit(lit, { ...lit, service: 'shop' }), alikeLit(undefined, undefined), alikeLit(lit, undefined)]).toEqual([true, false, true, false])
})

test('the cells that hold it are ringed at their own time and latency', () => {
  const t0 = Date.parse(map.start)
  expect(heldOf(map)).toEqual([
    { t0, t1: t0 + 5000, low: 0.001, high: 0.01, most: false },
    { t0: t0 + 5000, t1: t0 + 10_000, low: 0.01, high: 1, most: true },
  ])
})

test('counts stand beside the rings', () => {
  expect(holdingText(map, lit)).toBe('530 of 1,234 requests have warehouse leipzig')
  expect(holdingText(map, { ...lit, service: 'stock' })).toBe('530 of 1,234 requests have warehouse leipzig of stock')
})
