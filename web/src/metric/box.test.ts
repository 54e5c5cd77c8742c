import { describe, expect, test } from 'vitest'
import { boxOf, cellSpan, formatBox, handsOf, holds, hull, moved, opposite, parseBox, type Box } from './box.ts'
import { flat, type Grid } from './grid.ts'

const grid: Grid = { start: 1000, step: 10, columns: 5, edges: [0.001, 0.01, 0.1, 1, 10] }

describe('the spelling of a box', () => {
  test.each([
    ['1000,1020,0.5,2', { t0: 1000, t1: 1020, low: 0.5, high: 2 }],
    ['1000,1020,0.5,', { t0: 1000, t1: 1020, low: 0.5, high: Infinity }],
    [',,0.5,2', { t0: -Infinity, t1: Infinity, low: 0.5, high: 2 }],
    ['1000,1020,,', { t0: 1000, t1: 1020, low: 0, high: Infinity }],
  ])('%s', (text, box) => {
    expect(parseBox(text)).toEqual(box)
    expect(formatBox(box)).toBe(text)
  })

  test('ends that are swapped are put in order', () => {
    expect(parseBox('1020,1000,2,0.5')).toEqual({ t0: 1000, t1: 1020, low: 0.5, high: 2 })
  })

  test.each(['', '1,2,3', 'a,b,c,d', '1,1,0,1', '1,2,-1,1', '1,2,3,4,5'])('%s is no box', (text) => {
    expect(parseBox(text)).toBeUndefined()
  })

  test('a box of cells reads back as it was', () => {
    const box = boxOf(grid, { fixed: { column: 1, row: 1 }, moving: { column: 2, row: 2 } })
    expect(parseBox(formatBox(box))).toEqual(box)
  })
})

describe('boxes of cells', () => {
  test('a hull holds both', () => {
    expect(hull(grid, cellSpan(grid, { column: 3, row: 2 }), cellSpan(grid, { column: 1, row: 1 }))).toEqual({ t0: 1010, t1: 1040, low: 0.01, high: 1 })
  })

  test('all rows are any latency, all columns the whole time', () => {
    expect(boxOf(grid, { fixed: { column: 1, row: 0 }, moving: { column: 1, row: 3 } })).toEqual({ t0: 1010, t1: 1020, low: 0, high: Infinity })
    expect(boxOf(grid, { fixed: { column: 0, row: 1 }, moving: { column: 4, row: 1 } })).toEqual({ t0: -Infinity, t1: Infinity, low: 0.01, high: 0.1 })
  })

  test('a flat grid makes boxes without latency', () => {
    expect(boxOf(flat(0, 10, 10), { fixed: { column: 1, row: 0 }, moving: { column: 3, row: 0 } })).toEqual({ t0: 10, t1: 40, low: 0, high: Infinity })
  })

  test('a corner that is dragged leaves the opposite one', () => {
    const box: Box = { t0: 1010, t1: 1030, low: 0.05, high: Infinity }
    expect(opposite(grid, box, 'top-left')).toEqual({ t0: 1030, t1: 1030, low: 0.05, high: 0.05 })
    expect(opposite(grid, box, 'bottom-right')).toEqual({ t0: 1010, t1: 1010, low: 10, high: 10 })
    expect(hull(grid, opposite(grid, box, 'top-left'), cellSpan(grid, { column: 0, row: 2 }))).toEqual({ t0: 1000, t1: 1030, low: 0.05, high: 1 })
  })

  test('a cell lies in a box by its middle', () => {
    const box: Box = { t0: 1010, t1: 1030, low: 0.02, high: Infinity }
    expect(holds(grid, box, { column: 1, row: 1 })).toBe(true)
    expect(holds(grid, box, { column: 0, row: 1 })).toBe(false)
    expect(holds(grid, box, { column: 1, row: 0 })).toBe(false)
    expect(holds(grid, { ...box, low: 0.05 }, { column: 1, row: 1 })).toBe(false)
  })
})

describe('keys', () => {
  const hands = { fixed: { column: 1, row: 1 }, moving: { column: 2, row: 2 } }
  test.each([
    ['ArrowLeft', false, { fixed: { column: 1, row: 1 }, moving: { column: 1, row: 2 } }],
    ['ArrowUp', false, { fixed: { column: 1, row: 1 }, moving: { column: 2, row: 3 } }],
    ['ArrowDown', true, { fixed: { column: 1, row: 0 }, moving: { column: 2, row: 2 } }],
    ['ArrowRight', true, { fixed: { column: 2, row: 1 }, moving: { column: 2, row: 2 } }],
    ['x', false, hands],
  ])('%s, shift %s', (key, shift, want) => {
    expect(moved(grid, hands, key, shift)).toEqual(want)
  })

  test('they stop at the edge', () => {
    expect(moved(grid, { fixed: { column: 0, row: 0 }, moving: { column: 4, row: 3 } }, 'ArrowRight', false).moving.column).toBe(4)
    expect(moved(grid, { fixed: { column: 0, row: 0 }, moving: { column: 4, row: 3 } }, 'ArrowDown', true).fixed.row).toBe(0)
  })

  test('the hands of a box are its corner cells', () => {
    expect(handsOf(grid, boxOf(grid, hands))).toEqual(hands)
    expect(handsOf(grid, { t0: -Infinity, t1: Infinity, low: 0, high: Infinity })).toEqual({ fixed: { column: 0, row: 0 }, moving: { column: 4, row: 3 } })
  })
})
