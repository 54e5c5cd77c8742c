// Map: who makes whom slow? The calls between services, each against its usual.
import './map.css'
import { useAnswer } from '../api/answer.ts'
import type { Edge, Node, ServiceMap } from '../api/types.ts'
import { address, change, href } from '../frame/address.ts'
import { metricOfService } from '../frame/find.ts'
import { useHand } from '../frame/hand.ts'
import { asked } from '../frame/range.ts'
import { deepest, degree, fails, isUnusual, p95Bars, worst } from '../overview/unusual.ts'
import { Against } from '../parts/against.tsx'
import { Service } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { Spark } from '../parts/spark.tsx'
import { TableOf, sorted, type Column } from '../parts/table.tsx'
import { duration, plural, rate, share } from '../words/numbers.ts'

const bins = 60

export default function CallMap() {
  const { start, end } = asked()
  const params = { start, end, bins }
  const answer = useAnswer<ServiceMap>('api/v1/service-map', params, { live: true })
  useHand({ title: 'Map', ask: { path: 'api/v1/service-map', params } })
  const { edge = '', node = '', sort = 'unusual' } = address.value.params
  const of = node || edge.split(',').slice(-1)[0] || ''
  return (
    <div class="view stack">
      <h1>{headline(answer.value)}</h1>
      <Card title="Calls" about="caller, callee, and the worst stretch against usual">
        <Part answer={answer} lines={8} empty={(v) => (v.edges.length === 0 ? <Empty>No service called another in this range.</Empty> : undefined)}>
          {({ edges }) => (
            <TableOf name="Calls" columns={calls} rows={sorted(edges, calls, sort)} keyOf={keyOf} sort={sort} onSort={(id) => change({ sort: id }, 'replace')} at={sorted(edges, calls, sort).findIndex((e) => `${e.client},${e.server}` === edge)} onOpen={(e) => change({ edge: `${e.client},${e.server}`, node: '' }, 'replace')} />
          )}
        </Part>
      </Card>
      {of && answer.value && <Chosen service={of} map={answer.value} />}
    </div>
  )
}

function headline(map: ServiceMap | undefined): string {
  if (!map) return 'Reading …'
  const unusual = map.edges.filter(isUnusual).length
  const [first] = deepest(map.edges)
  if (!first) return `${plural(map.edges.length, 'call')} between ${plural(map.nodes.length, 'service')}, all as usual`
  return `${unusual} of ${plural(map.edges.length, 'call')} are unusual; furthest down, ${first.client} → ${first.server} ${fails(first) ? 'fails' : 'is slow'}`
}

const keyOf = (e: Edge) => `${e.client} ${e.server} ${e.connection_type}`

const calls: Column<Edge>[] = [
  { id: 'client', head: 'caller', cell: (e) => <Service name={e.client} />, by: (e) => e.client },
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

// The service that was chosen: who calls it, whom it calls, and the ways on.
function Chosen({ service, map }: { service: string; map: ServiceMap }) {
  const node: Node | undefined = map.nodes.find((n) => n.service === service)
  const callers = map.edges.filter((e) => e.server === service).map((e) => e.client)
  const callees = map.edges.filter((e) => e.client === service).map((e) => e.server)
  return (
    <Card title={service} about={node ? `p95 ${duration(node.latency.p95_ns)}, ${rate(node.rate)}` : 'sends no spans of its own'}>
      <div class="map-chosen">
        <Names title="Called by" names={callers} />
        <Names title="Calls" names={callees} />
        <p>
          <a class="button" href={href('metric', { query: metricOfService(service) })}>
            Its requests
          </a>{' '}
          <a class="button" href={href('logs', { services: service })}>
            Its log lines
          </a>
        </p>
      </div>
    </Card>
  )
}

function Names({ title, names }: { title: string; names: string[] }) {
  return (
    <p>
      <span class="quiet-text">{title}: </span>
      {names.length === 0 ? 'nobody' : [...new Set(names)].map((n) => (
        <button key={n} type="button" class="button" onClick={() => change({ node: n, edge: '' })}>
          <Service name={n} />
        </button>
      ))}
    </p>
  )
}
