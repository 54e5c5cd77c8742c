import { expect, test } from 'vitest'
import { until } from './jump.ts'

const columns = (...lines: number[]) => lines.map((other, i) => ({ at: i * 1000, error: 0, warn: 0, other }))

test.each([
  ['few lines: up to the end', columns(10, 10, 10), 500, 3000],
  ['many lines: some after it', columns(1000, 1000, 1000), 500, 751],
  ['those that follow count together', columns(0, 200, 100, 900), 1000, 2501],
  ['nothing known of it', [], 1500, 3000],
])('%s', (_, known, at, end) => expect(until(known, 1000, at, 3000)).toBe(end))
