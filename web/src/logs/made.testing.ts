// Lines that tests are made of.
import type { Line } from './line.ts'

/** lineOf is a line of a second since 1970. */
export function lineOf(second: number, more: Partial<Line> = {}): Line {
  const time = new Date(second * 1000).toISOString().replace('Z', '000000Z')
  return { key: `k${second}`, id: '', time, at: second * 1000, severity: 'INFO', service: 'bank', body: 'hello', traceId: '', spanId: '', attributes: {}, resource: {}, ...more }
}
