// Metrics of the selected span's operation, with this trace marked.
import { useAnswer } from '../api/answer.ts'
import type { TraceMetrics } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { shown } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { duration } from '../words/numbers.ts'
import { ms } from '../words/times.ts'
import { operationOf, type Trace } from './model.ts'

type Metric = TraceMetrics['metrics'][number]

/** fewMetrics is how many are drawn. */
const fewMetrics = 3
const [width, height] = [296, 36]

export function MetricsCard({ t, span }: { t: Trace; span: number }) {
  const answer = useAnswer<TraceMetrics>(`api/v1/pivot/trace/${encodeURIComponent(t.id)}/metrics`, { limit: 200 })
  const { service, name } = span >= 0 ? operationOf(t, span) : { service: t.rootService, name: t.rootName }
  const of = (a: TraceMetrics) => a.metrics.filter((m) => m.service === service).sort((a, b) => Number(b.operation === name) - Number(a.operation === name)).slice(0, fewMetrics)
  return (
    <Card title="Metrics, with this trace marked" about={shown(service)}>
      <Part answer={answer} lines={2} reading="looking for its metrics" empty={(a) => (of(a).length === 0 ? <Empty>No series says anything of {service || 'it'}.</Empty> : undefined)}>
        {(a) => (
          <ul class="metrics">
            {of(a).map((m) => (
              <li key={m.query}>
                <a class="mono cut" href={href('metric', { query: m.query, from: m.start, to: m.end })} title={m.query}>
                  {m.metric}
                  {m.operation && ` ${m.operation}`}
                </a>
                <Course t={t} metric={m} />
              </li>
            ))}
          </ul>
        )}
      </Part>
    </Card>
  )
}

interface QueryRange {
  data: { result: { values?: [number, string][] }[] }
}

function Course({ t, metric }: { t: Trace; metric: Metric }) {
  const answer = useAnswer<QueryRange>('prometheus/api/v1/query_range', { query: metric.query, start: metric.start, end: metric.end, step: 20 })
  if (!answer.value) return answer.problem ? <p class="faint">{answer.problem.detail}</p> : <div class="part-ghost" />
  const points = (answer.value.data.result[0]?.values ?? []).map(([at, value]): [number, number] => [at * 1000, Number(value)]).filter(([, v]) => Number.isFinite(v))
  if (points.length === 0) return <p class="faint">No sample within ten minutes.</p>
  const [from, to] = [ms(metric.start), ms(metric.end)]
  const most = Math.max(...points.map(([, v]) => v), Number.MIN_VALUE)
  const px = (at: number) => ((at - from) / (to - from)) * width
  const d = points.map(([at, v], i) => `${i === 0 ? 'M' : 'L'}${px(at).toFixed(1)} ${(height - 2 - (v / most) * (height - 6)).toFixed(1)}`).join('')
  const says = `from ${ten(metric, Math.min(...points.map(([, v]) => v)))} to ${ten(metric, most)} within ten minutes before and after; this trace is marked`
  return (
    <svg class="course" role="img" aria-label={says} viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
      <path class="course-trace" d={`M${px(ms(t.start)).toFixed(1)} 0v${height}`} />
      <path class="course-line" d={d} />
      <text class="course-most" x={width} y={10} text-anchor="end">
        {ten(metric, most)}
      </text>
    </svg>
  )
}

// ten writes a value of a metric: a duration where its name says so.
function ten({ metric }: Metric, value: number): string {
  return /seconds|latency|duration/.test(metric) && !/total|count/.test(metric) ? duration(value * 1e9) : String(Number(value.toPrecision(3)))
}
