import { expect, test } from 'vitest'
import { bodyOf, shown } from './marks.tsx'
import { sorted, type Column } from './table.tsx'
import { seen } from './windowed.tsx'

test('text of telemetry shows what nobody would see', () => {
  expect(shown('a\u0000b\u202ec\td\n<b>')).toBe('a␀b\ufffdc\td\n<b>')
  expect(bodyOf({ a: 1 })).toBe('{"a":1}')
})

test('of a long list what is seen is drawn, and 20 rows beyond', () => {
  expect(seen(0, 600, 23, 20_000)).toEqual([0, 47])
  expect(seen(23_000, 600, 23, 20_000)).toEqual([980, 1047])
  expect(seen(0, 600, 23, 3)).toEqual([0, 3])
})

test('rows sort by a column, and equal ones keep their order', () => {
  const columns: Column<[string, number]>[] = [{ id: 'n', head: 'n', cell: String, by: ([, n]) => n }]
  expect(sorted([['a', 1], ['b', 2], ['c', 1]], columns, 'n').map(([name]) => name)).toEqual(['b', 'a', 'c'])
  expect(sorted([['a', 1], ['b', 2]], columns, 'none').map(([name]) => name)).toEqual(['a', 'b'])
})
