// All calls as a table: every number that the picture has, and more.
import type { Edge } from '../api/types.ts'
import { degree, fails, p95Bars, worst } from '../overview/unusual.ts'
import { Against } from '../parts/against.tsx'
import { Service } from '../parts/marks.tsx'
import { Spark } from '../parts/spark.tsx'
import { TableOf, sorted, type Column } from '../parts/table.tsx'
import { duration, rate, share } from '../words/numbers.ts'

interface CallsProps {
  edges: Edge[]
  sort: string
  /** client,server of the call that is chosen */
  chosen: string
  onSort: (id: string) => void
  onOpen: (edge: Edge) => void
}

export function Calls({ edges, sort, chosen, onSort, onOpen }: CallsProps) {
  const rows = sorted(edges, columns, sort)
  return <TableOf name="Calls" columns={columns} rows={rows} keyOf={keyOf} sort={sort} onSort={onSort} at={rows.findIndex((e) => `${e.client},${e.server}` === chosen)} onOpen={onOpen} />
}

const keyOf = (e: Edge) => `${e.client} ${e.server} ${e.connection_type}`

/** columns are those of the table. */
export const columns: Column<Edge>[] = [
  { id: 'client', head: 'caller', cell: (e) => <span class="map-caller"><Service name={e.client} /></span>, by: (e) => e.client },
  { id: 'server', head: 'callee', cell: (e) => <Service name={e.server} />, by: (e) => e.server },
  { id: 'kind', head: 'through', wide: true, cell: (e) => <span class="faint">{e.connection_type.replace('_', ' ')}</span> },
  { id: 'rate', head: 'calls', number: true, wide: true, cell: (e) => rate(e.rate), by: (e) => e.rate },
  { id: 'failed', head: 'failed', number: true, cell: (e) => <span class={fails(e) ? 'failed' : 'faint'}>{share(e.error_rate)}</span>, by: (e) => e.error_rate },
  { id: 'p50', head: 'p50', number: true, wide: true, cell: (e) => duration(e.latency.p50_ns), by: (e) => e.latency.p50_ns },
  { id: 'p95', head: 'worst p95', number: true, cell: (e) => duration(worst(e).p95), by: (e) => worst(e).p95 },
  { id: 'usual', head: 'usual p95', number: true, wide: true, cell: (e) => <span class="faint">{e.usual ? duration(e.usual.p95_ns) : ''}</span> },
  { id: 'unusual', head: 'against usual', cell: (e) => <Against now={worst(e).p95} usual={e.usual?.p95_ns} />, by: degree },
  { id: 'course', head: 'p95 over time', wide: true, cell: (e) => <Spark bars={p95Bars(e.bins, e.usual?.p95_ns)} width={120} height={18} says={`p95 of calls from ${e.client} to ${e.server} over time`} /> },
]
