// The Trace view: where did the time go, and who says why?
import './trace.css'
import { address, href } from '../frame/address.ts'
import { explore } from '../frame/grafana.ts'
import { sqlText, useHand, type Hand } from '../frame/hand.ts'
import { useAnswer } from '../api/answer.ts'
import type { Traces } from '../api/types.ts'
import { asked } from '../frame/range.ts'
import { LastSeen } from '../parts/last-seen.tsx'
import { shown } from '../parts/marks.tsx'
import { Card, Empty, Failure, Note, Part } from '../parts/part.tsx'
import { TableOf } from '../parts/table.tsx'
import { Why } from '../parts/why.tsx'
import { duration, plural } from '../words/numbers.ts'
import { full, listed, ms } from '../words/times.ts'
import type { Trace } from './model.ts'
import { Looked } from './looked.tsx'
import { useTrace } from './use-trace.ts'

/** around is how long (ms) before and after a trace Grafana shows. */
const around = 60_000

export default function TraceView() {
  const { id } = address.value
  return id ? <OneTrace key={id} id={id} /> : <Newest />
}

function OneTrace({ id }: { id: string }) {
  const answer = useTrace(id)
  const { value, problem, loading, slow } = answer
  useHand(handOf(id, value))
  if (value)
    return (
      <div class="view trace-view" aria-busy={loading}>
        {problem && <Failure problem={problem} again={answer.again} />}
        <Looked t={value} answer={answer} />
      </div>
    )
  if (problem?.status === 404) return <NotHere id={id} problem={problem} again={answer.again} />
  return (
    <div class="view" aria-busy={loading}>
      {problem ? (
        <>
          <h1 class="headline">This trace could not be read</h1>
          <Failure problem={problem} again={answer.again} />
        </>
      ) : (
        <Ghost />
      )}
      {slow && (
        <Note>
          reading the trace …{' '}
          <button type="button" class="button" onClick={answer.cancel}>
            Cancel
          </button>
        </Note>
      )}
    </div>
  )
}

function handOf(asked: string, trace: Trace | undefined): Hand {
  const path = `api/v1/pivot/trace/${encodeURIComponent(trace?.id ?? asked)}`
  if (!trace) return { title: `trace ${asked.slice(0, 40)}`, ask: { path, params: {} } }
  const { id } = trace
  const began = ms(trace.start)
  return {
    title: `trace ${id}`,
    ask: { path, params: {} },
    sql: `SELECT time, service, name, kind, status, duration_ms, span_id, parent_span_id, attributes FROM plait.spans WHERE trace_id = ${sqlText(id)} ORDER BY time;`,
    grafana: explore('plait-tempo', { queryType: 'traceql', query: id }, began - around, began + trace.duration / 1e6 + around),
  }
}

function NotHere({ id, problem, again }: { id: string; problem: { detail: string; missing?: Parameters<typeof Why>[0]['missing'] }; again: () => void }) {
  return (
    <div class="view">
      <h1 class="headline">This trace is not here</h1>
      <Card title="Why is it not here?" about={problem.detail} class="not-here">
        <Why id={id} missing={problem.missing} onFound={again} />
      </Card>
    </div>
  )
}

// Ghost has the layout of what is on its way.
function Ghost() {
  return (
    <div aria-label="Reading the trace">
      <div class="trace-ghost-head part-ghost" />
      <div class="trace-ghost-body card">
        {Array.from({ length: 12 }, (_, i) => (
          <div class="part-ghost" key={i} />
        ))}
      </div>
    </div>
  )
}

// Newest is what the view shows without an id: traces to choose from.
function Newest() {
  useHand({ title: '' })
  const answer = useAnswer<Traces>('api/v1/traces', { ...asked(), limit: 50 }, { live: true })
  return (
    <div class="view">
      <div class="headline">
        <h1>Which trace?</h1>
        <span class="quiet-text">Paste its id into the search box, in any spelling, or choose one of the newest.</span>
      </div>
      <Card title="Newest traces">
        <Part answer={answer} lines={8} reading="looking for traces" empty={(a) => (a.traces.length === 0 ? <Empty>No trace began in this range. <LastSeen /></Empty> : undefined)}>
          {(a) => (
            <TableOf
              name="Newest traces"
              keyOf={(row) => row.trace_id}
              rows={a.traces}
              columns={[
                { id: 'start', head: 'began', cell: (row) => <span title={full(row.start)}>{listed(ms(row.start))}</span> },
                {
                  id: 'name', head: 'operation',
                  cell: (row) => (
                    <a class={`mono${row.error_count > 0 ? ' failed' : ''}`} href={href('trace', {}, row.trace_id)}>
                      {row.incomplete ? <em>root not here yet</em> : `${shown(row.root_service)} ${shown(row.root_name)}`}
                      {row.error_count > 0 && ' ✕'}
                    </a>
                  ),
                },
                { id: 'took', head: 'took', number: true, cell: (row) => duration(row.duration_ns) },
                { id: 'spans', head: 'spans', number: true, wide: true, cell: (row) => plural(row.span_count, 'span') },
                { id: 'failed', head: 'failed', number: true, wide: true, cell: (row) => row.error_count },
              ]}
            />
          )}
        </Part>
      </Card>
    </div>
  )
}
