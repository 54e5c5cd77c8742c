import { expect, test } from 'vitest'
import type { Correlation } from '../api/types.ts'
import { foundBy, headline, leftOut, nothing, part, totalsOf } from './totals.ts'

type Row = Correlation['services'][number]

const row = (service: string, more: Partial<Row> = {}): Row => ({
  service, log_records: 100, with_trace_id: 100, ids_found: 100, half_ids: 0, spans: 50, orphan_spans: 0, duplicates: 0, clock_skew_ns: 0, findings: [], ...more,
})
const finding: Row['findings'][number] = { kind: 'orphans', says: '3 spans', mend: 'send them' }
const health = (...services: Row[]): Correlation => ({
  start: '', end: '', services,
  totals: { log_records: 5826, with_trace_id: 5815, ids_found: 5815, half_ids: 0, spans: 14_650, orphan_spans: 2, duplicates: 0, dangling_exemplars: 0 },
})

test('the four numbers say of how many they are', () => {
  expect(totalsOf(health()).map((t) => `${t.number} ${t.of}`)).toEqual([
    '99.8\u2009% of 5,826 log lines carry a trace id', '100\u2009% of those ids have a stored trace', '2 of 14,650 spans wait for a parent', '0 traces that a metric names are not stored',
  ])
  expect(totalsOf(health()).map((t) => t.bad)).toEqual([false, false, true, false])
})

test('nothing is rounded up to all of it', () => {
  expect([part(99_999, 100_000), part(5, 5), part(0, 5), part(0, 0), part(1, 3)]).toEqual(['99.9\u2009%', '100\u2009%', '0', 'none', '33\u2009%'])
})

test('the sentence names whoever has something to mend', () => {
  expect(headline(undefined)).toBe('Reading …')
  expect(headline(health())).toBe('Nothing came in this range')
  expect(headline(health(row('a'), row('b')))).toBe('Everything joins, of 2 services')
  expect(headline(health(row('a', { findings: [finding] }), row('b')))).toBe('a has something to mend, of 2 services')
  expect(headline(health(row('a', { findings: [finding] }), row('b', { findings: [finding] })))).toBe('2 of 2 services have something to mend')
})

test('each service says what its lines lead to', () => {
  expect([foundBy(row('a')), foundBy(row('a', { half_ids: 3 })), foundBy(row('a', { with_trace_id: 0, ids_found: 0 }))]).toEqual(['100\u2009%', 'by half id', ''])
  expect([nothing(row('a')), nothing(row('a', { with_trace_id: 99 })), nothing(row('a', { with_trace_id: 95 }))]).toEqual(['Nothing.', 'Nothing: 1 line carries no id, as those from outside of requests do.', 'Nothing: 5 lines carry no id, as those from outside of requests do.'])
})

test('a limit says when it left out how much', () => {
  const limited = { signal: 'traces', start: '2026-03-04T10:02:00Z', end: '2026-03-04T10:05:00Z', came: 12_000, sampled: 9000, least_share: 0.12 } as const
  expect(leftOut(limited)).toMatch(/^Above the limit .*10:02.*10:05.*: 9,000 of 12,000 spans left out; at the worst 12\u2009% were kept\.$/)
  expect(leftOut({ ...limited, service: 'till' })).toMatch(/^Above the limit of till .*10:02/)
  expect(leftOut({ ...limited, service: '*' })).toMatch(/^Above the limit that services share .*10:02/)
  expect(leftOut({ ...limited, signal: 'logs', came: 1, sampled: 1 })).toContain('1 of 1 log record left out')
})
