import { expect, test } from 'vitest'
import { spellingsOf } from './spellings.ts'
import { choiceOf, openOf, zoomText } from './state.ts'

test('nothing said is what is usual', () => {
  expect(choiceOf({})).toMatchObject({ lines: true, fold: true, criticalOnly: false, find: '', span: '', zoom: undefined, wrong: [] })
})

test('all that is said is read, and written as it was', () => {
  const params = { logs: '0', fold: '0', cp: '1', only: '1', find: 'a b', zoom: '5,9', open: 'aa,-bb,*cc', span: 'dd' }
  const c = choiceOf(params)
  expect(c).toMatchObject({ lines: false, fold: false, criticalOnly: true, matchesOnly: true, find: 'a b', zoom: [5, 9], span: 'dd' })
  expect([[...c.open], [...c.shut], [...c.all]]).toEqual([['aa'], ['bb'], ['cc']])
  expect([openOf(c), zoomText(c.zoom)]).toEqual([params.open, params.zoom])
})

test('what cannot be read is said, and the usual shown', () => {
  const c = choiceOf({ logs: 'yes', zoom: '9,5' })
  expect(c).toMatchObject({ lines: true, zoom: undefined })
  expect(c.wrong).toHaveLength(2)
  expect(choiceOf({ zoom: ',5' }).wrong).toHaveLength(1)
})

test('at most 50 ids are kept', () => {
  const open = new Set(Array.from({ length: 80 }, (_, i) => `a${i}`))
  expect(openOf({ open, shut: new Set(), all: new Set() }).split(',')).toHaveLength(50)
})

test('an id in other spellings', () => {
  expect(spellingsOf('e629f5a8ee0faad263f25a86492952d8').map((s) => s.id)).toEqual(['e629f5a8ee0faad263f25a86492952d8', '7201918286918406872', '1-e629f5a8-ee0faad263f25a86492952d8', '63f25a86492952d8'])
})
