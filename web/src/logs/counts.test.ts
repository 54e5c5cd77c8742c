import { expect, test } from 'vitest'
import { facetsOf, fromMatrix, fromVolume, histogram, stepFor, templateStepFor, type Counts } from './counts.ts'
import { readQuestion } from './question.ts'

const group = (service: string, level: 'error' | 'warn' | 'info', at: number, lines: number) => ({ service, level, lines, steps: [{ at, lines }] })
const counts: Counts = {
  start: 0,
  end: 3000,
  step: 1000,
  groups: [group('bank', 'error', 0, 5), group('bank', 'info', 1000, 50), group('cart', 'info', 1000, 7), group('cart', 'warn', 2000, 1)],
}

test('a facet is counted under the others, not under itself', () => {
  const f = facetsOf(counts, readQuestion({ level: 'error,warn', services: 'cart' }))
  expect(f.levels).toEqual([
    { name: 'error', lines: 0 },
    { name: 'warn', lines: 1 },
    { name: 'info', lines: 7 },
    { name: 'debug', lines: 0 },
  ])
  expect(f.services).toEqual([
    { name: 'bank', lines: 5 },
    { name: 'cart', lines: 1 },
  ])
  expect([f.matched, f.total]).toEqual([1, 63])
})

test('services keep their order whatever is ticked, and one without lines stays with 0', () => {
  for (const level of ['', 'warn', 'error']) {
    expect(facetsOf(counts, readQuestion({ level, services: 'gone' })).services.map((s) => s.name)).toEqual(['bank', 'cart', 'gone'])
  }
})

test('the histogram stacks all levels of the chosen services', () => {
  expect(histogram(counts, [])).toEqual([
    { at: 0, error: 5, warn: 0, other: 0 },
    { at: 1000, error: 0, warn: 0, other: 57 },
    { at: 2000, error: 0, warn: 1, other: 0 },
  ])
  expect(histogram(counts, ['cart']).map((c) => c.other)).toEqual([0, 7, 0])
})

test('a step that began before the range is the first column', () => {
  const cut = { ...counts, start: 500, groups: [group('bank', 'info', 500, 2), group('bank', 'info', 1000, 3)] }
  expect(histogram(cut, [])).toMatchObject([{ at: 0, other: 2 }, { at: 1000, other: 3 }, { at: 2000, other: 0 }])
})

test('volumes and LogQL are read as the same counts', () => {
  const volume = fromVolume({
    start: '1970-01-01T00:00:00.000000000Z',
    end: '1970-01-01T00:00:20Z',
    step_ns: 10e9,
    volumes: [{ service: '', severity: '', records: 3, body_bytes: 1, steps: [{ start: '1970-01-01T00:00:10Z', records: 3, body_bytes: 1 }] }],
  })
  const matrix = fromMatrix({ data: { result: [{ metric: { service_name: 'unknown_service', detected_level: 'unknown' }, values: [[10, '0'], [20, '3']] }] } }, 0, 20_000, 10_000)
  expect(matrix).toEqual(volume)
})

test.each([
  [4 * 60_000, 2000, 2000],
  [15 * 60_000, 10_000, 10_000],
  [3_600_000, 30_000, 60_000],
  [86_400_000, 900_000, 900_000],
  [400 * 86_400_000, 4 * 86_400_000, 4 * 86_400_000],
])('steps of a range of %d ms take %d ms, those of templates %d', (length, step, ofTemplates) => expect([stepFor(length), templateStepFor(length)]).toEqual([step, ofTemplates]))
