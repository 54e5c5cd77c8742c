import { describe, expect, test } from 'vitest'
import { both, found, haystackOf, placesOf, withAbove, withAttributes } from './find.ts'
import { made } from './made.test-data.ts'

const t = made([{ name: 'GET /cart', logs: [['INFO', 'Quoted 1 item']], children: [{ name: 'LPOP', service: 'cart', events: ['cache miss'] }, { name: 'quote', service: 'shipping', message: 'no carrier' }] }])
const places = (text: string, hay = haystackOf(t)) => {
  const mask = found(hay, text)
  return mask && placesOf(mask)
}

describe('found', () => {
  test.each([
    ['cart', [0, 1]],
    ['CART lpop', [1]],
    ['quoted', [0]],
    ['cache miss', [1]],
    ['no carrier', [2]],
    ['nothing', []],
  ])('%s', (text, spans) => expect(places(text)).toEqual(spans))
  test('no words, nothing looked for', () => expect(places('  ')).toBeUndefined())
  test('attributes, once they are read', () => {
    const span = (order: unknown) => ({ attributes: { 'order.id': order }, resource: { 'host.name': 'h1' }, events: [] })
    const hay = withAttributes(haystackOf(t), [span('o-17'), span(18), span(null)])
    expect(places('order.id=18')).toEqual([])
    expect(places('order.id=18', hay)).toEqual([1])
    expect(places('host.name=H1', hay)).toEqual([0, 1, 2])
  })
})

test('only matches keep what is above them', () => {
  expect([...withAbove(t, Uint8Array.of(0, 0, 1))]).toEqual([1, 0, 1])
})

test('both is what is in each mask', () => {
  expect(both(undefined, undefined)).toBeUndefined()
  expect(both(Uint8Array.of(1, 1, 0), undefined)).toEqual(Uint8Array.of(1, 1, 0))
  expect(both(Uint8Array.of(1, 1, 0), Uint8Array.of(0, 1, 1))).toEqual(Uint8Array.of(0, 1, 0))
})
