// The services, the most unusual first, each against its usual.
import { useSignal } from '@preact/signals'
import type { Answer } from '../api/answer.ts'
import type { LogVolume, Node, ServiceMap } from '../api/types.ts'
import { address, change, href } from '../frame/address.ts'
import { metricOfService } from '../frame/find.ts'
import { useKeys } from '../frame/keys.ts'
import { Against } from '../parts/against.tsx'
import { Service, shown } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { Spark } from '../parts/spark.tsx'
import { TableOf, following, sorted, type Column } from '../parts/table.tsx'
import { count, duration, exactly, rate, share } from '../words/numbers.ts'
import { degree, fails, isUnusual, p95Bars, slower, slowness } from './unusual.ts'

/** most is from how many services on those that are as usual fold. */
const most = 40

type Levels = Map<string, { errors: number; warnings: number }>

export function ServiceTable({ answer, logs }: { answer: Answer<ServiceMap>; logs: LogVolume | undefined }) {
  const all = useSignal(false)
  const columns = columnsOf(levelsOf(logs))
  const sort = address.value.params.sort ?? 'unusual'
  const filter = address.value.params.service ?? ''
  const sortBy = (id: string) => change({ sort: id === 'unusual' ? '' : id }, 'replace')
  useKeys([{ key: 's', does: 'sort services by the next column', run: () => sortBy(following(columns, sort)) }])
  return (
    <Card title="Services" about={sort === 'unusual' ? 'most unusual first' : `by ${columns.find((c) => c.id === sort)?.head ?? sort}`}>
      <Part answer={answer} lines={8} empty={(v) => (v.nodes.length === 0 ? <Empty>No service sent spans in this range.</Empty> : undefined)}>
        {({ nodes }) => {
          const found = nodes.filter((n) => n.service.toLowerCase().includes(filter.toLowerCase()))
          const rows = sorted(found, columns, sort)
          const folds = found.length > most && !all.value
          const shownRows = folds ? rows.filter((n, i) => isUnusual(n) || i < 10) : rows
          return (
            <>
              {nodes.length > most && (
                <p class="overview-filter">
                  <input class="field" aria-label="Filter services" placeholder="Filter services" value={filter} onInput={(e) => change({ service: e.currentTarget.value }, 'replace')} />
                </p>
              )}
              <TableOf name="Services" columns={columns} rows={shownRows} keyOf={(n) => n.service} sort={sort} onSort={sortBy} />
              {folds && (
                <button type="button" class="button quiet" onClick={() => (all.value = true)}>
                  {rows.length - shownRows.length} as usual
                </button>
              )}
            </>
          )
        }}
      </Part>
    </Card>
  )
}

function levelsOf(volume: LogVolume | undefined): Levels {
  const levels: Levels = new Map()
  for (const v of volume?.volumes ?? []) {
    const of = levels.get(v.service ?? '') ?? { errors: 0, warnings: 0 }
    if (v.severity === 'WARN') of.warnings += v.records
    else of.errors += v.records
    levels.set(v.service ?? '', of)
  }
  return levels
}

function columnsOf(levels: Levels): Column<Node>[] {
  return [
    { id: 'service', head: 'service', cell: (n) => <ServiceLink name={n.service} />, by: (n) => n.service },
    { id: 'rate', head: 'req/s', number: true, wide: true, cell: (n) => rate(n.rate).replace('/s', ''), by: (n) => n.rate },
    { id: 'failed', head: 'failed', number: true, cell: (n) => <span class={fails(n) ? 'failed' : 'faint'}>{share(n.error_rate)}</span>, by: (n) => n.error_rate },
    { id: 'p50', head: 'p50', number: true, wide: true, cell: (n) => duration(n.latency.p50_ns), by: (n) => n.latency.p50_ns },
    { id: 'p95', head: 'p95', number: true, cell: (n) => <span title={exactly(n.latency.p95_ns)}>{duration(n.latency.p95_ns)}</span>, by: (n) => n.latency.p95_ns },
    { id: 'usual', head: 'usual p95', number: true, wide: true, cell: (n) => <span class="faint">{n.usual ? duration(n.usual.p95_ns) : ''}</span> },
    { id: 'unusual', head: 'against usual', cell: (n) => <Against now={n.latency.p95_ns} usual={n.usual?.p95_ns} />, by: degree },
    { id: 'course', head: 'p95 over time', wide: true, cell: (n) => <Course node={n} /> },
    { id: 'logs', head: 'log lines', number: true, wide: true, cell: (n) => <LogCounts service={n.service} levels={levels} />, by: (n) => levels.get(n.service)?.errors ?? 0 },
  ]
}

function ServiceLink({ name }: { name: string }) {
  return (
    <a class="plain" href={href('metric', { query: metricOfService(name) })}>
      <Service name={name} />
    </a>
  )
}

function Course({ node }: { node: Node }) {
  const says = slowness(node) >= slower ? `p95 of ${shown(node.service)} over time, with unusual times` : `p95 of ${shown(node.service)} over time`
  return <Spark bars={p95Bars(node.bins, node.usual?.p95_ns)} width={120} height={18} says={says} />
}

function LogCounts({ service, levels }: { service: string; levels: Levels }) {
  const of = levels.get(service)
  const to = (level: string) => href('logs', { services: service, level })
  return (
    <span class="log-counts">
      <span>{of && of.errors > 0 && <a class="plain" href={to('error,fatal')}>{count(of.errors)} E</a>}</span>
      <span>{of && of.warnings > 0 && <a class="plain" href={to('warn')}>{count(of.warnings)} W</a>}</span>
    </span>
  )
}
