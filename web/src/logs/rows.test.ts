import { expect, test } from 'vitest'
import { lineOf } from './made.testing.ts'
import { rowAt, rowsOf, topsOf } from './rows.ts'
import { courseOf, matcher, shortOf, templatesOf } from './templates.ts'

const template = (text: string, more = {}) => ({ template: text, severity: 'WARN' as const, service: 'bank', count: 1, first_seen: '', last_seen: '', ...more })

test('hidden templates are left out, but not around a line', () => {
  const hidden = matcher([template('attempt <_> of <_> (failed)')])
  const lines = [
    lineOf(1, { severity: 'WARN', body: 'attempt 1 of 3 (failed)' }),
    lineOf(2, { severity: 'INFO', body: 'attempt 1 of 3 (failed)' }),
    lineOf(3, { severity: 'WARN', body: 'attempt x of 3 (failed)' }),
  ]
  expect(rowsOf(lines, hidden, undefined).map((r) => r.line.key)).toEqual(['k2', 'k3'])
  const around = rowsOf(lines, hidden, { key: 'k3', lines: [lines[0] as (typeof lines)[0], lineOf(4)] })
  expect(around.map((r) => [r.line.key, r.around])).toEqual([
    ['k1', true],
    ['k2', false],
    ['k3', false],
    ['k4', true],
  ])
})

test('a template is named by service and severity, too', () => {
  const names = [template('a'), template('b'), template('a', { severity: 'INFO' }), template('a', { service: 'cart' })].map(shortOf)
  expect(new Set(names).size).toBe(4)
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{6}$/)
})

test('a course adds up what falls in a bar', () => {
  const at = (s: number) => new Date(s * 1000).toISOString()
  const course = courseOf(template('a', { steps: [{ start: at(0), records: 1 }, { start: at(1), records: 2 }, { start: at(9), records: 4 }] }), 0, 10_000, 5)
  expect(course.map((b) => b.value)).toEqual([3, 0, 0, 0, 4])
})

test('rows of several heights are found by their height', () => {
  const rows = rowsOf([lineOf(1), lineOf(2), lineOf(3)], () => false, undefined)
  const tops = topsOf(rows, (r) => (r.line.key === 'k2' ? 100 : 25))
  expect([...tops]).toEqual([0, 25, 125, 150])
  expect([0, 24, 25, 124, 125, 900].map((y) => rowAt(tops, y))).toEqual([0, 0, 1, 1, 2, 2])
})

test('templates of lines are found as the gateway finds them', () => {
  const found = templatesOf([lineOf(1, { body: 'took 17 ms' }), lineOf(2, { body: 'took 5 ms' }), lineOf(3, { body: 'lost', severity: 'ERROR' }), lineOf(4, { body: 'took 5 ms', service: 'cart' })])
  expect(found.map((t) => [t.template, t.service, t.count])).toEqual([
    ['lost', 'bank', 1],
    ['took <_> ms', 'bank', 2],
    ['took <_> ms', 'cart', 1],
  ])
  expect(found[1]?.steps).toHaveLength(2)
})
