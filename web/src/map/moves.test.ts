import { expect, test } from 'vitest'
import type { Graph } from './graph.ts'
import { layoutOf } from './layout.ts'
import { stepFrom } from './moves.ts'

const call = (client: string, server: string, state: string, rate = 1) => ({ client, server, state, edge: { rate } })
const graph = { calls: [call('shop', 'cart', 'usual', 9), call('shop', 'stock', 'slow'), call('stock', 'db', 'slow'), call('user', 'shop', 'usual')] } as unknown as Graph
const layout = layoutOf(['cart', 'db', 'shop', 'stock', 'user'], graph.calls, 900)

test('arrows go along calls, to what is unusual first, and among the services of a layer', () => {
  expect(stepFrom(graph, layout, '', 'ArrowRight')).toBe('user')
  expect(stepFrom(graph, layout, 'shop', 'ArrowRight')).toBe('stock')
  expect(stepFrom(graph, layout, 'stock', 'ArrowLeft')).toBe('shop')
  expect(new Set([stepFrom(graph, layout, 'cart', 'ArrowDown'), stepFrom(graph, layout, 'cart', 'ArrowUp')])).toEqual(new Set(['cart', 'stock']))
  expect([stepFrom(graph, layout, 'db', 'ArrowRight'), stepFrom(graph, layout, 'user', 'ArrowUp')]).toEqual(['db', 'user'])
})
