import { describe, expect, test } from 'vitest'
import { lineOf } from './made.testing.ts'
import { Sampler, again, arrived, mostKept, nothing, released } from './tail.ts'

const lines = (from: number, n: number) => Array.from({ length: n }, (_, i) => lineOf(from + i))

describe('Sampler', () => {
  test('takes all of what can be read', () => {
    const sampler = new Sampler(0)
    for (let s = 1; s <= 10; s++) expect(sampler.take(lines(s * 100, 50), s * 1000)).toMatchObject({ oneIn: 1, lines: { length: 50 } })
  })

  test('takes of 200 lines a second one in four, without an end', () => {
    const sampler = new Sampler(0)
    let taken = 0
    for (let s = 1; s <= 30; s++) {
      const sample = sampler.take(lines(s * 1000, 200), s * 1000)
      expect(sample.oneIn).toBe(4)
      taken += sample.lines.length
    }
    expect(taken).toBe(30 * 50)
  })

  test('lets single lines through in the midst of many', () => {
    const sampler = new Sampler(0)
    sampler.take(lines(0, 5000), 1000)
    expect(sampler.take(lines(9000, 1), 1001).lines).toHaveLength(1)
  })
})

describe('a list that is held', () => {
  const held = arrived(arrived(nothing, lines(0, 3), false), lines(10, 2), true)
  test('stays as it is, and what came waits', () => {
    expect(held.lines).toHaveLength(3)
    expect(held.waiting).toHaveLength(2)
  })
  test('goes on with what waited', () => expect(released(held).lines).toHaveLength(5))
})

test('the list is bounded, at its far end', () => {
  const full = arrived(arrived(nothing, lines(0, mostKept), false), lines(mostKept, 5), false)
  expect(full.lines).toHaveLength(mostKept)
  expect(full.lines[0]?.key).toBe('k5')
  expect(full.dropped).toBe(5)
})

test('what waits is bounded, too, and the list is still', () => {
  const held = arrived(arrived(nothing, lines(0, 10), false), lines(100, mostKept + 7), true)
  expect([held.lines.length, held.waiting.length, held.dropped]).toEqual([10, mostKept, 7])
})

test('attempts come at 1, 2, 4 and at last every 30 seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 9].map(again)).toEqual([1, 2, 4, 8, 16, 30, 30])
})
