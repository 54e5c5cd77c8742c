import { expect, test } from 'vitest'
import { made, times } from './made.test-data.ts'
import { Flag, has } from './model.ts'
import { after, before, failedSpans, onPath, segmentsBySpan, slowParts, whereTimeWent } from './path.ts'

const t = made([
  {
    name: 'GET', took: 100, critical: 10,
    children: [{ name: 'call', kind: 'client', took: 60, children: times(2, { name: 'SELECT', service: 'db', took: 44, critical: 44 }) }, { name: 'log', took: 5, failed: true }, { name: 'end', took: 1, critical: 1 }],
  },
])

test('where the time went, by operation', () => {
  expect(whereTimeWent(t).map((s) => [s.service, s.name, s.took / 1e6, s.share, s.span])).toEqual([
    ['db', 'SELECT', 88, 0.88, 2],
    ['web', 'GET', 10, 0.1, 0],
    ['web', 'end', 1, 0.01, 5],
  ])
})

test('the path leads through those that wait, too', () => {
  expect([...onPath(t)]).toEqual([1, 1, 1, 1, 0, 1])
  expect(has(t, 1, Flag.critical)).toBe(true)
  expect([...segmentsBySpan(t).keys()].sort()).toEqual([0, 2, 3, 5])
})

test('slow parts hold two hundredths of the path', () => expect(slowParts(t)).toEqual([0, 2, 3]))

test('failed spans in order, around again', () => {
  expect(failedSpans(t)).toEqual([4])
  expect([after([2, 5], -1), after([2, 5], 2), after([2, 5], 5), after([], 1)]).toEqual([2, 5, 2, undefined])
  expect([before([2, 5], 5), before([2, 5], 2)]).toEqual([2, 5])
})
