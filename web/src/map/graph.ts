// The map as a graph: services and stores, and the calls between them. Pure functions on the API's answer.
import type { Edge, Node, ServiceMap } from '../api/types.ts'
import { degree, fails, isUnusual, p95Bars, slower, slowness, worst } from '../overview/unusual.ts'

/** mostNodes is how many services and stores are drawn: more are not read. */
export const mostNodes = 40
/** mostCalls is how many calls are drawn. */
export const mostCalls = 120

/** leastSlow is in which part of the time calls are slow at least to be called so. */
const leastSlow = 0.05

/** State is what is unusual about a call or a service. Failing goes before slow. */
export type State = 'usual' | 'slow' | 'failing'

/** Call is all calls of one service to another. */
export interface Call {
  client: string
  server: string
  edge: Edge
  state: State
}

/** Place is a service, a store, or callers from outside. */
export interface Place {
  name: string
  kind: 'service' | 'store' | 'outside'
  state: State
  /** calls to it a second */
  rate: number
  /** of these calls, in its worst stretch, in ns; 0 where that is not known */
  p95: number
}

export interface Graph {
  places: Place[]
  calls: Call[]
  /** how many services and stores are left out */
  left: number
}

/** graphOf makes a graph of a map: at most so many places, what is unusual and its neighbours first. */
export function graphOf(map: ServiceMap, most = mostNodes): Graph {
  const calls = callsOf(map.edges)
  const places = placesOf(map.nodes, calls)
  const kept = new Set(inOrder(places, calls).slice(0, most).map((p) => p.name))
  const shown = calls.filter((c) => kept.has(c.client) && kept.has(c.server))
  return {
    places: places.filter((p) => kept.has(p.name)),
    calls: shown.toSorted((a, b) => degree(b.edge) - degree(a.edge) || b.edge.rate - a.edge.rate || byName(a, b)).slice(0, mostCalls).toSorted(byName),
    left: places.length - kept.size,
  }
}

const byName = (a: Call, b: Call) => (a.client === b.client ? order(a.server, b.server) : order(a.client, b.client))
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

// callsOf makes one call of the edges between two services: the one with the most calls tells.
function callsOf(edges: Edge[]): Call[] {
  const calls = new Map<string, Call>()
  for (const edge of [...edges].sort((a, b) => b.calls - a.calls)) {
    const key = JSON.stringify([edge.client, edge.server])
    if (edge.client !== edge.server && !calls.has(key)) calls.set(key, { client: edge.client, server: edge.server, edge, state: stateOf(edge) })
  }
  return [...calls.values()].sort(byName)
}

/** stateOf is what is unusual about calls: one bin alone does not make them slow. */
export function stateOf(c: Edge | Node): State {
  if (fails(c)) return 'failing'
  const bars = p95Bars(c.bins, c.usual?.p95_ns)
  const slow = bars.filter((b) => b.kind === 'unusual').length
  return isUnusual(c) && (slowness(c) >= slower || slow >= Math.max(2, bars.length * leastSlow)) ? 'slow' : 'usual'
}

// placesOf lists services, and what they call that sends no spans of its own.
function placesOf(nodes: Node[], calls: Call[]): Place[] {
  const places = new Map<string, Place>()
  for (const n of nodes) places.set(n.service, { name: n.service, kind: 'service', state: stateOf(n), rate: n.rate, p95: worst(n).p95 || n.latency.p95_ns })
  for (const c of calls) {
    if (!places.has(c.client)) places.set(c.client, { name: c.client, kind: 'outside', state: 'usual', rate: 0, p95: 0 })
    const known = places.get(c.server)
    const p95 = worst(c.edge).p95 || c.edge.latency.p95_ns
    if (!known) places.set(c.server, { name: c.server, kind: c.edge.connection_type === 'database' ? 'store' : 'outside', state: c.state, rate: c.edge.rate, p95 })
    else if (known.kind !== 'service') Object.assign(known, { rate: known.rate + c.edge.rate, p95: Math.max(known.p95, p95), state: worse(known.state, c.state) })
  }
  return [...places.values()].sort((a, b) => order(a.name, b.name))
}

function worse(a: State, b: State): State {
  return a === 'failing' || b === 'failing' ? 'failing' : a === 'slow' ? a : b
}

// inOrder puts first what is unusual, then its neighbours, then what is called most.
function inOrder(places: Place[], calls: Call[]): Place[] {
  const unusual = new Set(places.filter((p) => p.state !== 'usual').map((p) => p.name))
  for (const c of calls.filter((c) => c.state !== 'usual')) unusual.add(c.client).add(c.server)
  const near = new Set(calls.filter((c) => unusual.has(c.client) || unusual.has(c.server)).flatMap((c) => [c.client, c.server]))
  const rank = (p: Place) => (unusual.has(p.name) ? 0 : near.has(p.name) ? 1 : 2)
  return places.toSorted((a, b) => rank(a) - rank(b) || b.rate - a.rate || order(a.name, b.name))
}

/** around is the part of a graph that one place calls or is called by. */
export function around(graph: Graph, name: string): Graph {
  const calls = graph.calls.filter((c) => c.client === name || c.server === name)
  const near = new Set([name, ...calls.flatMap((c) => [c.client, c.server])])
  return { ...graph, calls, places: graph.places.filter((p) => near.has(p.name)) }
}
