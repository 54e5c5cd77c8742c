import { describe, expect, test } from 'vitest'
import type { Heatmap } from '../api/types.ts'
import { atLeast, gridOf, levelOf, patchesOf, ringsOf, shadesOf } from './shade.ts'

function heatmap(cells: [column: number, row: number, requests: number, trace?: string][], usual: number[]): Heatmap {
  return {
    query: '', start: '2026-11-26T00:00:00Z', end: '2026-11-26T00:00:20Z', step_ns: 1e9, columns: 20,
    edges: [0.001, ...usual.map((_, i) => 0.001 * 2 ** (i + 1))], usual, totals: [], below: 0,
    cells: cells.map(([column, row, requests, trace_id]) => ({ column, row, requests, failed: 0, usual: usual[row] ?? 0, ...(trace_id && { trace_id }) })),
  }
}

describe('the chance of many', () => {
  test.each([
    [0, 5, 1],
    [1, 0.1, 1 - Math.exp(-0.1)],
    [3, 1, 1 - Math.exp(-1) * 2.5],
    [10, 2, 4.65e-5],
    [200, 100, 9.34e-19],
  ])('%i or more where %d are usual', (n, mean, chance) => {
    expect(atLeast(n, mean) / chance).toBeCloseTo(1, 1)
  })
})

test('lightness goes by the logarithm, from 1 to 6', () => {
  expect([1, 10, 100].map((n) => levelOf(n, 100))).toEqual([1, 4, 6])
  expect(levelOf(1, 1)).toBe(1)
})

describe('what is unusual', () => {
  const usual = [10, 0.1, 0.1, 0.1]
  test('much of what is always there is not', () => {
    expect(shadesOf(heatmap([[3, 0, 15]], usual))[0]?.unusual).toBe(false)
  })

  test('a few alone are not, a few with their neighbours are', () => {
    expect(shadesOf(heatmap([[3, 3, 2]], usual))[0]?.unusual).toBe(false)
    expect(shadesOf(heatmap([[3, 3, 3], [4, 3, 4], [5, 3, 3]], usual)).map((c) => c.unusual)).toEqual([true, true, true])
  })

  test('a usual cell beside a spike is not', () => {
    const shades = shadesOf(heatmap([[3, 0, 12], [3, 1, 60]], usual))
    expect(shades.map((c) => c.unusual)).toEqual([false, true])
  })
})

test('traces of unusual cells are marked first, then the slowest, forty at most', () => {
  const map = heatmap([[1, 3, 1, 'slow'], [2, 2, 60, 'unusual'], [3, 0, 9]], [10, 0.1, 0.1, 5])
  expect(ringsOf(shadesOf(map)).map((c) => c.trace_id)).toEqual(['unusual', 'slow'])
  const many = heatmap(Array.from({ length: 60 }, (_, i): [number, number, number, string] => [i % 20, i % 3, 1, `t${i}`]), [10, 10, 10])
  expect(ringsOf(shadesOf(many))).toHaveLength(40)
})

test('places that stand out are told apart, those first that took most time', () => {
  const map = heatmap([[2, 3, 9], [3, 3, 9], [4, 2, 9], [12, 3, 9], [13, 3, 9]], [10, 0.1, 0.1, 0.1])
  const grid = gridOf(map)
  const patches = patchesOf(grid, shadesOf(map))
  expect(patches.map((p) => p.requests)).toEqual([27, 18])
  expect(patches[0]?.box).toEqual({ t0: grid.start + 2000, t1: grid.start + 5000, low: 0.004, high: 0.016 })
})
