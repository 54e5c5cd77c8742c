import { describe, expect, test } from 'vitest'
import { barOf, merged, ticks, timeAt, x, zoomed } from './scale.ts'

const s = { from: 100, to: 300, width: 400 }

test('times and places', () => {
  expect([x(s, 100), x(s, 200), x(s, 999), timeAt(s, 200)]).toEqual([0, 200, 400, 200])
})

describe('barOf', () => {
  test('is cut at the edges, and never thinner than a pixel', () => {
    expect(barOf(s, 0, 150)).toEqual({ x: 0, width: 100 })
    expect(barOf(s, 200, 0)).toEqual({ x: 200, width: 1 })
    expect(barOf(s, 300, 10)).toEqual({ x: 399, width: 1 })
  })
  test('is not there outside', () => expect([barOf(s, 0, 50), barOf(s, 301, 5)]).toEqual([undefined, undefined]))
})

test('bars that touch are one', () => {
  expect(merged([{ x: 10, width: 5 }, { x: 0, width: 4 }, { x: 4, width: 3 }])).toEqual([{ x: 0, width: 7 }, { x: 10, width: 5 }])
})

test('ticks are round', () => {
  expect(ticks(0, 3.7e9, 5)).toEqual([0, 1e9, 2e9, 3e9])
  expect(ticks(-10, 45, 6)).toEqual([-10, 0, 10, 20, 30, 40])
})

test('zooming keeps its middle, and stays within the whole', () => {
  expect(zoomed([0, 1e6], 0.5, 5e5, [0, 1e6])).toEqual([250000, 750000])
  expect(zoomed([0, 1e6], 0.5, 0, [0, 1e6])).toEqual([0, 500000])
  expect(zoomed([2e5, 4e5], 10, 3e5, [0, 1e6])).toBeUndefined()
})
