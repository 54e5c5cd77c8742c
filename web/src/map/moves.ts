// Where arrows lead on the map: right to a callee, left to a caller, up and down among the services of a layer. Pure functions.
import type { Graph } from './graph.ts'
import type { Layout } from './layout.ts'

export type Way = 'ArrowRight' | 'ArrowLeft' | 'ArrowUp' | 'ArrowDown'

const degrees = { failing: 2, slow: 1, usual: 0 }

/** stepFrom is the service that an arrow leads to; the first one where none is chosen yet. */
export function stepFrom(graph: Graph, layout: Layout, from: string, way: Way): string {
  const inOrder = [...layout.spots].sort(([, a], [, b]) => a.layer - b.layer || a.y - b.y)
  const spot = layout.spots.get(from)
  if (!spot) return inOrder[0]?.[0] ?? ''
  if (way === 'ArrowUp' || way === 'ArrowDown') {
    const layer = inOrder.filter(([, s]) => s.layer === spot.layer).map(([name]) => name)
    return layer[layer.indexOf(from) + (way === 'ArrowDown' ? 1 : -1)] ?? from
  }
  const forward = way === 'ArrowRight'
  const calls = graph.calls.filter((c) => (forward ? c.client : c.server) === from)
  const [first] = calls.toSorted((a, b) => degrees[b.state] - degrees[a.state] || b.edge.rate - a.edge.rate)
  return (forward ? first?.server : first?.client) ?? from
}
