import { describe, expect, test } from 'vitest'
import type { ComparedValue, Comparison } from '../api/types.ts'
import { alike, boxText, comparedWith, inCommon, latencyText, nearest, plainly, sameText, standsOut, templateText } from './sentences.ts'

const value = (key: string, text: string, box: number, others: number, chance: number): ComparedValue => ({ key, value: text, box, others, chance, same_as: [] })

function comparison(change: Partial<Comparison> = {}): Comparison {
  const side = { start: '', end: '' }
  return {
    query: '', rest: 'op', box: { ...side, requests: 55, total: 55 }, others: { ...side, requests: 1095, total: 1095 },
    operations: 2, values: [], templates: [], no_different: [], around: [], left_out: [], ...change,
  }
}

describe('what requests have in common', () => {
  test.each([
    ['all have it', [value('warehouse', 'leipzig', 55, 495, 1e-9)], 'All 55 have warehouse leipzig; of the other requests to the same operations 45\u2009% do.'],
    ['some have it', [value('warehouse', 'leipzig', 50, 0, 1e-9)], '50 of 55 have warehouse leipzig; of the other requests to the same operations none do.'],
    ['it may be chance', [value('warehouse', 'leipzig', 50, 400, 0.2)], 'Nothing sets these 55 apart.'],
  ])('%s', (_, values, says) => {
    expect(plainly(inCommon(comparison({ values })))).toBe(says)
  })

  test('a log line, where no value does', () => {
    const templates = [{ template: 'slow query: <_> ms', severity: 'WARN' as const, service: 'inventory', box: 55, others: 0, chance: 1e-20 }]
    expect(plainly(inCommon(comparison({ templates })))).toBe('All 55 logged slow query: ‹n› ms; of the other requests to the same operations none did.')
  })

  test('too few, none, and none to compare with', () => {
    const side = { start: '', end: '' }
    expect(plainly(inCommon(comparison({ too_few: true, box: { ...side, requests: 3, total: 3 } })))).toBe('3 requests: too few to compare.')
    expect(plainly(inCommon(comparison({ too_few: true, box: { ...side, requests: 0, total: 0 } })))).toBe('No request lies in this box.')
    expect(plainly(inCommon(comparison({ too_few: true, others: { ...side, requests: 0, total: 0 } })))).toBe('There are no other requests to the same operations to compare these 55 with.')
  })
})

test('where nothing tells, the nearest values are those that the box has more of', () => {
  const values = [value('pod', 'same', 55, 1095, 1), value('pod', 'more', 30, 400, 0.2), value('pod', 'less', 2, 500, 0.9)]
  expect(nearest(comparison({ values })).map((v) => v.value)).toEqual(['more'])
})

test('what a box was compared with is told', () => {
  const left_out = [{ key: 'order.id', why: 'a value for nearly each request' }]
  const ports = { key: 'client.port', why: 'ports of connections' }
  expect(comparedWith(comparison({ left_out: [...left_out, ports] }))).toContain('Ids and ports of connections are left out.')
  expect(comparedWith(comparison({ left_out: [ports] }))).toContain('. Ports of connections are left out.')
  const verdict = { key: 'error.type', why: 'says that a request failed' }
  expect(comparedWith(comparison({ left_out: [...left_out, ports, verdict] }))).toContain('Ids, ports of connections and what only says that a request failed are left out.')
  expect(comparedWith(comparison({ left_out: [verdict] }))).toContain('. What only says that a request failed is left out.')
  expect(comparedWith(comparison({ without_slow: true, left_out }))).toBe('Compared with 1,095 requests to the same 2 operations outside the box and outside other spikes. Ids are left out.')
  expect(comparedWith(comparison({ rest: 'before', operations: 1, others: { start: '', end: '', requests: 1000, total: 36246, sampled_one_in: 2 } }))).toBe(
    'Compared with 1,000 of about 36,246 requests to the same operation in the time before, for as long.',
  )
  expect(comparedWith(comparison({ rest: 'all', without_failed: true }))).toBe('Compared with 1,095 requests outside the box and without failed ones.')
})

test('a box is told by its time and latency', () => {
  const t0 = Date.parse('2026-11-26T01:50:23Z')
  expect(boxText({ t0, t1: t0 + 24_000, low: 0.5, high: Infinity })).toBe('01:50:23 – 01:50:47, over 500\u2009ms')
  expect(boxText({ t0: -Infinity, t1: Infinity, low: 0.01, high: 0.02 })).toBe('the whole time, 10.0\u2009ms to 20.0\u2009ms')
  expect(latencyText({ t0, t1: t0, low: 0, high: Infinity })).toBe('')
  expect(latencyText({ t0, t1: t0, low: 0, high: 1 })).toBe('up to 1.00\u2009s')
})

test('a heatmap is told by what stands out in it', () => {
  const t0 = Date.parse('2026-11-26T01:50:23Z')
  const patch = { box: { t0, t1: t0 + 1, low: 1, high: 2 }, requests: 55, weight: 1 }
  expect(standsOut(1200, 0, [])).toBe('1,200 requests; none stand out.')
  expect(standsOut(26, 0, [], true)).toBe('26 requests.')
  expect(standsOut(1200, 7, [patch])).toBe('55 of 1,200 requests stand out, at one time, 7 failed; last at 01:50:23 UTC.')
  expect(standsOut(0, 0, [])).toBe('')
})

test('what varies in a template is shown as such', () => {
  expect(templateText('GET /products/<_> was slow: <_> ms')).toBe('GET /products/‹n› was slow: ‹n› ms')
})

test('values of the very same requests are one line', () => {
  const same_as = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, value: '1' }))
  expect(sameText({ ...value('k', 'v', 1, 1, 0), same_as })).toBe('the same requests: a 1, b 1, c 1, d 1, and 1 more')
  expect(sameText(value('k', 'v', 1, 1, 0))).toBe('')
})

test('what is no different folds what all services say', () => {
  const no_different = [value('client.region', 'eu-west', 26, 330, 1), value('service.version', '1.4', 55, 1095, 1), value('service.version', '1.5', 55, 1095, 1), value('env', 'demo', 55, 1095, 1)]
  expect(alike(comparison({ no_different }))).toEqual([
    { key: 'client.region', value: 'eu-west', box: '47\u2009%', others: '30\u2009%' },
    { key: 'service.version', value: 'of 2 services', box: 'one', others: 'the same' },
    { key: 'env', value: 'demo', box: 'all', others: 'all' },
  ])
})

test('many values of one key that are no different are one line', () => {
  const no_different = [55, 50, 44].map((box, i) => value('k8s.pod.name', `pod-${i}`, box, 1095 - 100 * i, 1))
  expect(alike(comparison({ no_different }))).toEqual([{ key: 'k8s.pod.name', value: '3 values', box: '80\u2009% – 100\u2009%', others: '82\u2009% – 100\u2009%' }])
})

test('a template that is JSON reads as its message', () => {
  expect(templateText('{"level":"WARN","message":"key server locked session <_>","cents":"<_>"}')).toBe('key server locked session ‹n›')
  expect(templateText('slow query: <_> ms')).toBe('slow query: ‹n› ms')
})
