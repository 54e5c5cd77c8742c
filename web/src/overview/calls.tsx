// The five calls most unlike their usual.
import type { Answer } from '../api/answer.ts'
import type { Edge, ServiceMap } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { Against } from '../parts/against.tsx'
import { Service } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { TableOf, type Column } from '../parts/table.tsx'
import { duration, exactly, rate, share } from '../words/numbers.ts'
import { degree, fails, worst } from './unusual.ts'

const most = 5

const columns: Column<Edge>[] = [
  {
    id: 'call',
    head: 'caller and callee',
    cell: (e) => (
      <a class="plain call" href={href('map', { edge: `${e.client},${e.server}` })}>
        <Service name={e.client} /> <span aria-label="to">→</span> <Service name={e.server} />
      </a>
    ),
  },
  { id: 'rate', head: 'calls/s', number: true, wide: true, cell: (e) => rate(e.rate).replace('/s', '') },
  { id: 'failed', head: 'failed', number: true, cell: (e) => <span class={fails(e) ? 'failed' : 'faint'}>{share(e.error_rate)}</span> },
  { id: 'p95', head: 'worst p95', number: true, cell: (e) => <span title={exactly(worst(e).p95)}>{duration(worst(e).p95)}</span> },
  { id: 'usual', head: 'usual p95', number: true, wide: true, cell: (e) => <span class="faint">{e.usual ? duration(e.usual.p95_ns) : ''}</span> },
  { id: 'unusual', head: 'against usual', cell: (e) => <Against now={worst(e).p95} usual={e.usual?.p95_ns} /> },
]

export function Calls({ answer }: { answer: Answer<ServiceMap> }) {
  return (
    <Card title="Calls" about="the worst stretch against usual, most unusual first">
      <Part answer={answer} lines={5} empty={(v) => (v.edges.length === 0 ? <Empty>No service called another in this range.</Empty> : undefined)}>
        {({ edges }) => <TableOf name="Calls" columns={columns} rows={[...edges].sort((a, b) => degree(b) - degree(a)).slice(0, most)} keyOf={(e) => `${e.client} ${e.server} ${e.connection_type}`} />}
      </Part>
    </Card>
  )
}
