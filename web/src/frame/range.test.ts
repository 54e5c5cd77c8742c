import { expect, test } from 'vitest'
import { instant, read } from './range.ts'

const now = Date.UTC(2026, 10, 26, 12)

test.each([
  ['now', now],
  ['now-15m', now - 900_000],
  ['now+1h', now + 3_600_000],
  ['2026-11-26T11:00:00Z', now - 3_600_000],
  ['1795690800000', 1795690800000],
  ['yesterday', NaN],
  ['2026-13-45', NaN],
  ['', NaN],
])('%s is %d', (text, ms) => expect(instant(text, now)).toBe(ms))

test('a range that nobody chose is an hour, or as long as there is data', () => {
  expect(read('', '', now, 0).from).toBe('now-1h')
  expect(read('', '', now, now - 230_000).from).toBe('now-4m')
  expect(read('', '', now, now - 7_200_000).from).toBe('now-1h')
})

test('a broken range is said, and the usual one is shown', () => {
  expect(read('then', '', now, 0).wrong).toContain('“then” is no time')
  expect(read('now', 'now-1h', now, 0)).toMatchObject({ from: 'now-1h', to: 'now', wrong: expect.stringContaining('ends before') as string })
})
