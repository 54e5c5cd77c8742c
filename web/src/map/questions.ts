// What a call on the map is asked about: its metric, and the box around its worst stretch. Pure functions.
import type { Edge } from '../api/types.ts'
import { quoted } from '../frame/find.ts'
import { fails, slower } from '../overview/unusual.ts'
import { ms } from '../words/times.ts'

/** queryOfCall selects the calls' latency: as the server has it, or the client where the server sends no spans. */
export function queryOfCall({ client, server }: Pick<Edge, 'client' | 'server'>): string {
  return `traces_service_graph_request_server_seconds{client=${quoted(client)},server=${quoted(server)}}`
}

/** boxOfCall is a box around the last stretch of bins that exceed the usual, as the Metric view has it; empty where none does. */
export function boxOfCall(edge: Edge): string {
  const bins = edge.bins ?? []
  const usual = edge.usual?.p95_ns ?? 0
  const failing = fails(edge)
  const odd = bins.map((b) => (failing ? b.failed > 0 : usual > 0 && b.calls > 0 && b.p95_ns >= slower * usual))
  const last = odd.lastIndexOf(true)
  if (last < 0) return ''
  let first = last
  while (first > 0 && odd[first - 1]) first--
  const [from, step] = [ms(bins[first]?.start ?? ''), bins.length > 1 ? ms(bins[1]?.start ?? '') - ms(bins[0]?.start ?? '') : 0]
  const low = failing ? '' : String((slower * usual) / 1e9)
  return [from, ms(bins[last]?.start ?? '') + step, low, ''].join(',')
}
