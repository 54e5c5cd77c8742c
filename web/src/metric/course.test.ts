import { expect, test } from 'vitest'
import { courseOf, mostSeries, nameOf, stepOf, written, type Matrix } from './course.ts'

const matrix = (result: Matrix['data']['result']): Matrix => ({ data: { resultType: 'matrix', result } })

test('values stand at their step, gaps stay open', () => {
  const course = courseOf(matrix([{ metric: { __name__: 'up', job: 'a' }, values: [[100, '1'], [120, '3'], [130, 'NaN']] }]), 100, 130, 10)
  expect(course.times).toEqual([100, 110, 120, 130])
  expect(course.lines).toEqual([{ name: 'up{job="a"}', values: [1, null, 3, null], highest: 3, highestAt: 120 }])
  expect([course.lowest, course.highest]).toEqual([0, 3])
})

test('the highest twenty are drawn, the others counted; those without a value are none', () => {
  const series = Array.from({ length: 25 }, (_, i) => ({ metric: { i: String(i) }, values: [[0, String(i)]] as [number, string][] }))
  const course = courseOf(matrix([...series, { metric: { i: 'none' }, values: [] }]), 0, 10, 1)
  expect(course.lines).toHaveLength(mostSeries)
  expect(course.lines[0]?.name).toBe('{i="24"}')
  expect(course.more).toBe(5)
})

test('what goes below zero is in the picture', () => {
  expect(courseOf(matrix([{ metric: {}, values: [[0, '-2'], [1, '-1']] }]), 0, 1, 1)).toMatchObject({ lowest: -2, highest: 0 })
  expect(courseOf(matrix([]), 0, 1, 1)).toMatchObject({ lowest: 0, highest: 1, lines: [] })
})

test('a range has few enough steps, of whole seconds', () => {
  expect([60_000, 3_600_000, 86_400_000].map(stepOf)).toEqual([1, 8, 173])
})

test('series are written as in PromQL', () => {
  expect(nameOf({ __name__: 'up' })).toBe('up')
  expect(nameOf({ job: 'a "b"' })).toBe('{job="a \\"b\\""}')
  expect(nameOf({})).toBe('{}')
})

test('values have the unit of their metric', () => {
  expect(written(0.25, 'queue_wait_seconds')).toBe('250\u2009ms')
  expect(written(0.25, 'rate(queue_wait_seconds_sum[5m])')).toBe('0.25')
  expect(written(12345, 'process_resident_memory_bytes')).toBe('12,345')
})
