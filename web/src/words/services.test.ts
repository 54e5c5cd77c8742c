import { expect, test } from 'vitest'
import { colour, letters, shortened } from './services.ts'

test('two letters are unique, whatever the names', () => {
  const names = ['cart', 'catalog', 'checkout', 'inventory', 'inventory-db', 'ts-order', 'ts-order-2', '订单', '']
  const given = letters(names)
  expect(new Set(given.values()).size).toBe(names.length)
  expect(given.get('inventory-db')).toBe('ID')
  expect(given.get('cart')).toBe('CA')
})

test('a prefix that most names have does not count', () => {
  expect(letters(['ts-order', 'ts-food', 'ts-auth', 'ts-user']).get('ts-food')).toBe('FO')
})

test('services that call one another have different hues, and none is used up', () => {
  const names = Array.from({ length: 24 }, (_, i) => `s${i}`)
  const calls = names.slice(1).map((n, i): [string, string] => [names[i] as string, n])
  const hue = colour(names, calls)
  for (const [a, b] of calls) expect(hue.get(a)).not.toBe(hue.get(b))
  expect(new Set(hue.values()).size).toBe(8)
})

test('what all names begin and end with is left out where there is little room', () => {
  expect([...shortened(['ts-order-service', 'ts-food-service', 'ts-auth-service', 'ts-user-service']).values()]).toEqual(['order', 'food', 'auth', 'user'])
  expect([...shortened(['shop', 'cart']).values()]).toEqual(['shop', 'cart'])
})
