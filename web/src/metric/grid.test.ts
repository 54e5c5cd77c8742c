import { describe, expect, test } from 'vitest'
import { cellAt, cellOf, flat, latencyTicks, timeTicks, valueTicks, xOf, yOf, type Grid } from './grid.ts'

const grid: Grid = { start: 1000, step: 10, columns: 5, edges: [0.001, 0.01, 0.1, 1] }
const frame = { left: 50, top: 10, width: 500, height: 300 }

describe('places', () => {
  test('time goes to the right, latency up by its logarithm', () => {
    expect([1000, 1025, 1050].map((t) => xOf(grid, frame, t))).toEqual([50, 300, 550])
    expect([0.001, 0.01, 0.1, 1].map((s) => Math.round(yOf(grid, frame, s)))).toEqual([310, 210, 110, 10])
  })

  test('what is outside lies on the edge', () => {
    expect([0, Infinity].map((t) => xOf(grid, frame, t))).toEqual([50, 550])
    expect([0, Infinity].map((s) => yOf(grid, frame, s))).toEqual([310, 10])
  })

  test('a cell is found by any place in it', () => {
    expect(cellAt(grid, frame, 149, 309)).toEqual({ column: 0, row: 0 })
    expect(cellAt(grid, frame, 151, 209)).toEqual({ column: 1, row: 1 })
    expect(cellAt(grid, frame, 9999, -5)).toEqual({ column: 4, row: 2 })
    expect(cellAt(grid, frame, 0, 9999)).toEqual({ column: 0, row: 0 })
  })

  test('a row has its upper edge in it', () => {
    expect(cellOf(grid, 1015, 0.01)).toEqual({ column: 1, row: 0 })
    expect(cellOf(grid, 1015, 0.011)).toEqual({ column: 1, row: 1 })
    expect(cellOf(grid, 0, 99)).toEqual({ column: 0, row: 2 })
  })

  test('a flat grid has one row', () => {
    const lines = flat(0, 10, 10)
    expect(cellAt(lines, frame, 60, 200)).toEqual({ column: 0, row: 0 })
    expect([yOf(lines, frame, 0), yOf(lines, frame, Infinity)]).toEqual([310, 10])
  })
})

describe('ticks', () => {
  test('of time are round, and no more than wanted', () => {
    const start = Date.parse('2026-11-26T01:48:43Z')
    const ticks = timeTicks(start, start + 240_000, 8)
    expect(ticks.map((t) => new Date(t.at).toISOString().slice(11, 19))).toEqual(['01:49:00', '01:49:30', '01:50:00', '01:50:30', '01:51:00', '01:51:30', '01:52:00', '01:52:30'])
  })

  test('of hours are round in the zone', () => {
    const half = 5.5 * 3_600_000
    const start = Date.parse('2026-11-26T00:10:00Z')
    const [first] = timeTicks(start, start + 8 * 3_600_000, 8, half)
    expect(new Date((first?.at ?? 0) + half).toISOString().slice(11, 16)).toBe('06:00')
  })

  test('of latency are powers of ten, with more between where these are few', () => {
    expect(latencyTicks(0.0012, 3)).toEqual([0.01, 0.1, 1].map((t) => expect.closeTo(t, 9)))
    expect(latencyTicks(0.09, 0.6)).toEqual([0.1, 0.2, 0.5].map((t) => expect.closeTo(t, 9)))
  })

  test('of values are round', () => {
    expect(valueTicks(0, 10)).toEqual([0, 5, 10])
    expect(valueTicks(0.3, 0.7)).toEqual([0.3, 0.4, 0.5, 0.6, 0.7])
    expect(valueTicks(5, 5)).toEqual([5])
  })
})
