import { describe, expect, test } from 'vitest'
import { fitted, merged, nanosOf, ofStreams, opened, textOf, traceWords, twinOf, type Line, spoken } from './line.ts'
import { lineOf } from './made.testing.ts'

describe('ofStreams', () => {
  const lines = ofStreams([
    { stream: { service_name: 'bank', detected_level: 'warn', trace_id: 'a'.repeat(32), network: 'meridian' }, values: [['1795751678782801634', 'later'], ['1795751678000000001', 'first']] },
    { stream: { service_name: 'unknown_service', detected_level: 'unknown' }, values: [['1795751678500000000', 'between']] },
  ])
  test('puts the lines of all streams in the order of their time', () => expect(lines.map((l) => l.body)).toEqual(['first', 'between', 'later']))
  test('keeps nanoseconds', () => {
    expect(lines[2]).toMatchObject({ time: '2026-11-27T03:54:38.782801634Z', severity: 'WARN', attributes: { network: 'meridian' } })
    expect(nanosOf('2026-11-27T03:54:38.782801634Z')).toBe('1795751678782801634')
  })
  test('tells lines apart that are alike in all', () => {
    const twice = ofStreams([{ stream: {}, values: [['1795751678500000000', 'again'], ['1795751678500000000', 'again']] }])
    expect(new Set(twice.map((l) => l.key)).size).toBe(2)
  })
  test('knows a line of the API again', () => expect(twinOf(lineOf(1, { spanId: 'b', body: 'x' }))).toBe(ofStreams([{ stream: { service_name: 'bank', span_id: 'b' }, values: [['1000000000', 'x']] }])[0]?.key))
  test('knows a line without service and level', () => expect(lines[1]).toMatchObject({ service: '', severity: '' }))
})

describe('merged', () => {
  test('leaves out what is twice', () => expect(merged([lineOf(1), lineOf(2)], [lineOf(2), lineOf(3)]).map((l) => l.key)).toEqual(['k1', 'k2', 'k3']))
  test('puts late lines in their place', () => expect(merged([lineOf(1), lineOf(4)], [lineOf(3)]).map((l) => l.key)).toEqual(['k1', 'k3', 'k4']))
})

describe('fitted', () => {
  test.each([
    ['short', 10, 'short'],
    ['carrier barge answered', 10, 'carrier b…'],
    ['order 4bf92f3577b34da6 lost', 14, 'order…'],
    ['4bf92f3577b34da6a3ce929d0e0e4736', 10, '4bf92f357…'],
    ['added faced decade to it', 8, 'added f…'],
  ])('%s in %d signs is %s', (text, signs, cut) => expect(fitted(text, signs)).toBe(cut))
})

describe('a line opened', () => {
  test('prints JSON over several lines', () => expect(opened(lineOf(1, { body: '{"a":[1]}' }))).toBe('{\n  "a": [\n    1\n  ]\n}'))
  test('is as it is where it is none', () => expect(opened(lineOf(1, { body: '{not json' }))).toBe('{not json'))
  test('shows marks that nobody sees', () => expect(opened(lineOf(1, { body: 'a\u0000b' }))).toBe('a\u2400b'))
})

test.each([
  ['a\nb', 'a ↵ b'],
  ['{"level":"WARN","message":"key \\"7\\" locked","x":1}', 'key "7" locked  {…}'],
  ['{"level":"WARN"}', '{"level":"WARN"}'],
  ['{"msg":"\\u12"}', '{"msg":"\\u12"}'],
  ['said "message":"x"', 'said "message":"x"'],
])('%j in the list', (body, text) => expect(textOf(lineOf(1, { body }))).toBe(text))

test.each<[Partial<Line>, string]>([
  [{}, 'no trace id'],
  [{ traceId: 'a' }, 'trace'],
  [{ traceId: 'a', trace: { root_service: 's', root_name: 'POST /checkout', duration_ns: 3.17e9, error_count: 1 } }, 'POST 3.17\u2009s'],
  [{ traceId: 'a', trace: { root_service: '', root_name: '', duration_ns: 2e6, error_count: 0, incomplete: true } }, 'trace 2.00\u2009ms'],
])('the trace of a line in words', (more, words) => expect(traceWords(lineOf(1, more))).toBe(words))

test('a line in a logger’s layout says what comes after it', () => {
  expect(spoken('2026-11-27 03:56:09,322 WARN [shipping.quotes] [dd.trace_id=18 dd.span_id=11] - carrier barge answered in 9 ms')).toBe('… carrier barge answered in 9 ms')
  expect(spoken('stock reserved')).toBe('stock reserved')
})
