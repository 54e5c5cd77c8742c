import { expect, test } from 'vitest'
import { joinList, splitList, toggled } from './list.ts'

test('a list comes back as it was written', () => {
  for (const texts of [[], ['bank'], ['a,b', 'c\\', '\\,'], ['order.id="1,2"', 'x=']]) expect(splitList(joinList(texts))).toEqual(texts)
})

test('texts that are empty are no members', () => {
  expect(splitList(',bank,,')).toEqual(['bank'])
})

test('a text is added, and taken away again', () => {
  expect(toggled(['a'], 'b')).toEqual(['a', 'b'])
  expect(toggled(['a', 'b'], 'a')).toEqual(['b'])
})
