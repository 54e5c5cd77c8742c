import { expect, test } from 'vitest'
import { box, flagsAt, flagHeight, layersOf, layoutOf, lineOf, type Arrow, type Spot } from './layout.ts'

const arrows = (...calls: string[]): Arrow[] => calls.map((c) => ({ client: c.split(' ')[0] as string, server: c.split(' ')[1] as string }))
const namesOf = (calls: Arrow[]) => [...new Set(calls.flatMap((c) => [c.client, c.server]))]

test('each name stands behind the last of its callers', () => {
  const calls = arrows('shop cart', 'shop stock', 'shop checkout', 'checkout stock', 'checkout bank', 'stock db')
  expect(layersOf(namesOf(calls), calls)).toEqual([['shop'], ['cart', 'checkout'], ['bank', 'stock'], ['db']])
})

test('a circle is opened where requests come in', () => {
  const calls = arrows('a b', 'b c', 'c a', 'user b')
  expect(layersOf(namesOf(calls), calls)).toEqual([['user'], ['b'], ['c'], ['a']])
  expect(layersOf(['a', 'b'], arrows('a b', 'b a'))).toEqual([['a'], ['b']])
})

test('names without calls, and none at all, are placed', () => {
  expect(layersOf(['b', 'a'], [])).toEqual([['a', 'b']])
  expect(layoutOf([], [], 800).spots.size).toBe(0)
})

test('the order in which names and calls come changes nothing', () => {
  const calls = arrows('shop cart', 'shop stock', 'shop checkout', 'checkout stock', 'checkout bank', 'stock db', 'cart redis')
  const [there, back] = [layoutOf(namesOf(calls), calls, 900), layoutOf(namesOf(calls).toReversed(), calls.toReversed(), 900)]
  expect([...back.spots].sort()).toEqual([...there.spots].sort())
})

test('calls do not cross where they need not', () => {
  const calls = arrows('in a', 'in b', 'a z', 'b y')
  const { spots } = layoutOf(namesOf(calls), calls, 900)
  const y = (name: string) => spots.get(name)?.y ?? 0
  expect(Math.sign(y('a') - y('b'))).toBe(Math.sign(y('z') - y('y')))
})

test('no two overlap, and all lie within the picture', () => {
  for (const width of [300, 900, 2000]) {
    const calls = Array.from({ length: 40 }, (_, i) => ({ client: `s${(i * 7) % 13}`, server: `s${(i * 5 + 3) % 29}` })).filter((c) => c.client !== c.server)
    const { spots, width: wide, height } = layoutOf(namesOf(calls), calls, width)
    const all = [...spots.values()]
    for (const [i, a] of all.entries()) {
      expect(a.x - box.width / 2 >= 0 && a.x + box.width / 2 <= wide && a.y - box.height / 2 >= 0 && a.y + box.height / 2 <= height).toBe(true)
      for (const b of all.slice(i + 1)) expect(Math.abs(a.x - b.x) >= box.width || Math.abs(a.y - b.y) >= box.height).toBe(true)
    }
  }
})

test('a call is drawn from edge to edge, and back below both', () => {
  const [left, right]: Spot[] = [{ layer: 0, x: 100, y: 50, width: 60 }, { layer: 1, x: 400, y: 90, width: box.width }] as [Spot, Spot]
  const there = lineOf(left as Spot, right as Spot)
  expect(there.path.startsWith('M130.0 50.0C')).toBe(true)
  expect(there.head.startsWith(`M${400 - box.width / 2 - 2}.0 90.0`)).toBe(true)
  expect(there.places[0]?.[1]).toBe(70)
  expect(lineOf(right as Spot, left as Spot).places[0]?.[1]).toBeGreaterThan(90)
})

test('a callee that begins below its caller is reached from the edge that faces it', () => {
  const spot = (layer: number, x: number, y: number): Spot => ({ layer, x, y, width: box.width })
  expect(lineOf(spot(0, 100, 100), spot(1, 200, 300)).path.startsWith('M104.0 126.0C')).toBe(true)
  expect(lineOf(spot(0, 100, 300), spot(1, 200, 100)).path.startsWith('M104.0 274.0C')).toBe(true)
})

test('many layers fit into the width that is there', () => {
  const names = Array.from({ length: 12 }, (_, i) => `s${String(i).padStart(2, '0')}`)
  const calls = names.slice(1).map((server, i) => ({ client: names[i] as string, server }))
  for (const width of [600, 900, 1054]) {
    expect(layoutOf(names, calls, width).width).toBeLessThanOrEqual(width)
    expect(layoutOf(names, calls, width, (name) => (name === 's00' ? 72 : box.width)).width).toBeLessThanOrEqual(width)
  }
  expect(layoutOf(names.slice(0, 4), calls.slice(0, 3), 1054).height).toBe(84 + 12) // with room, a chain stays one row
})

test('words on calls cover neither a box nor each other, and are left out where there is no place', () => {
  const spot = (layer: number, x: number, y: number): Spot => ({ layer, x, y, width: box.width })
  const spots = [spot(0, 100, 100), spot(1, 500, 100)]
  const line = lineOf(spots[0] as Spot, spots[1] as Spot)
  const [first, second, third] = flagsAt(spots, [{ line, width: 60 }, { line, width: 60 }, { line, width: 400 }])
  expect(first).toEqual(line.places[0])
  expect(Math.abs((second?.[0] ?? 0) - (first?.[0] ?? 0)) >= 60 || Math.abs((second?.[1] ?? 0) - (first?.[1] ?? 0)) >= flagHeight).toBe(true)
  expect(third).toBeUndefined()
})
