import { expect, test } from 'vitest'
import { ago, clockTime, lengthOf, listed, ms, stretch, zone } from './times.ts'

// vitest runs with TZ=Asia/Kolkata (vite.config.ts).
const at = Date.UTC(2026, 10, 26, 1, 51, 26, 826)

test('a time has ms even where it came with ns', () => {
  expect(ms('2026-11-26T01:51:26.826123456Z')).toBe(at)
  expect(ms('2026-11-26T01:51:26Z')).toBe(at - 826)
})

test('times are UTC, or of the zone of the reader', () => {
  expect(clockTime(at, true, false)).toBe('01:51:26.826')
  expect(clockTime(at, false, true)).toBe('07:21:26')
  expect([zone(at, false), zone(at, true)]).toEqual(['UTC', '+05:30'])
})

test('a list tells the day of what is not of today', () => {
  expect(listed(at, at + 60_000, false)).toBe('01:51:26.826')
  expect(listed(at, at + 86_400_000, false)).toBe('26 Nov 01:51:26.826')
})

test('a range names its zone once, and its days where there are two', () => {
  const now = Date.now()
  const midnight = now - (now % 86_400_000)
  expect(stretch(midnight - 60_000, midnight + 60_000, false)).toMatch(/^\d+ \w+ 23:59:00 – \d+ \w+ 00:01:00 UTC$/)
  expect(stretch(at, at + 1000, true)).toBe('26 Nov 07:21:26 – 07:21:27 +05:30')
})

test.each([
  [10_000, '10 s'],
  [240_000, '4 min'],
  [3_600_000, '1 h'],
  [86_400_000, '24 h'],
  [604_800_000, '7 days'],
])('%d ms are %s', (length, text) => expect(lengthOf(length)).toBe(text))

test('how long ago is told in words', () => {
  expect([5, 120, 7200, 400_000].map((s) => ago(at - s * 1000, at))).toEqual(['5 s ago', '2 min ago', '2 h ago', '5 days ago'])
})
