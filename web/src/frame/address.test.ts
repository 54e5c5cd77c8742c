import { afterEach, expect, test } from 'vitest'
import { address, back, format, href, longest, parse, sister, trail } from './address.ts'

afterEach(() => {
  address.value = parse('')
})

test.each([
  ['#/', 'overview', ''],
  ['', 'overview', ''],
  ['#/nonsense?x=1', 'overview', ''],
  ['#/metric?query=up%7Ba%3D%22b%22%7D', 'metric', ''],
  ['#/trace/0123', 'trace', '0123'],
  ['#/trace/00-aa%2Fbb%3B1', 'trace', '00-aa/bb;1'],
  ['#/trace/aa/1;o=1', 'trace', 'aa/1;o=1'],
  ['#/trace/100%', 'trace', '100%'],
])('%s is the view %s', (hash, view, id) => {
  const read = parse(hash)
  expect([read.view, read.id]).toEqual([view, id])
  expect(parse(format(read))).toEqual(read)
})

test('parameters that nobody knows are kept', () => {
  expect(format(parse('#/logs?later=1&q=a+b'))).toBe('#/logs?later=1&q=a+b')
})

test('tabs keep the range and drop the rest', () => {
  address.value = parse('#/metric?from=now-5m&query=up&via=%5B%5D')
  expect(format(sister('map'))).toBe('#/map?from=now-5m')
})

test('the trail leads back, step by step, and keeps four', () => {
  for (const view of ['metric', 'trace', 'logs', 'map', 'health', 'metric'] as const) address.value = parse(href(view, { row: view }))
  expect(trail(address.value).map((step) => parse(step).view)).toEqual(['trace', 'logs', 'map', 'health'])
  const to = back(address.value, 1)
  expect([to.view, to.params.row, trail(to).length]).toEqual(['logs', 'logs', 1])
})

test('a trail that makes the address too long falls off', () => {
  address.value = parse(`#/logs?q=${'x'.repeat(longest)}`)
  expect(href('metric', { query: 'up' })).toBe('#/metric?query=up')
})

test('a trail that somebody broke is none', () => {
  expect(trail(parse('#/logs?via=%7B'))).toEqual([])
  expect(trail(parse('#/logs?via=3'))).toEqual([])
})
