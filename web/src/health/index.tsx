// Health: does everything join? And why is a trace not here?
import './health.css'
import { useSignal } from '@preact/signals'
import { useAnswer } from '../api/answer.ts'
import type { Correlation, Intake } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { asked } from '../frame/range.ts'
import { Service } from '../parts/marks.tsx'
import { Card, Empty, Note, Part } from '../parts/part.tsx'
import { TableOf, type Column } from '../parts/table.tsx'
import { Why } from '../parts/why.tsx'
import { count, duration, share } from '../words/numbers.ts'
import { clockTime, ms } from '../words/times.ts'

type Row = Correlation['services'][number]
type Door = Intake['doors'][number]

export default function Health() {
  const params = asked()
  const answer = useAnswer<Correlation>('api/v1/correlation', { ...params }, { live: true })
  const intake = useAnswer<Intake>('api/v1/intake', {}, { live: true })
  useHand({ title: 'Health', ask: { path: 'api/v1/correlation', params: { ...params } } })
  return (
    <div class="view stack">
      <h1>{headline(answer.value)}</h1>
      <Card title="What joins" about="services with something to mend first">
        <Part answer={answer} lines={8} partial={(v) => v.sampled && 'Numbers are estimated from a part of what is stored.'} empty={(v) => (v.services.length === 0 ? <Empty>Nothing came in this range.</Empty> : undefined)}>
          {(v) => (
            <>
              <p class="health-totals">{totals(v)}</p>
              <TableOf name="Services" columns={columns} rows={v.services} keyOf={(s) => s.service} />
            </>
          )}
        </Part>
      </Card>
      <MissingCard />
      <Card title="Coming in" about="since the gateway started">
        <Part answer={intake} lines={3} empty={(v) => (v.doors.length === 0 ? <Empty>No request has come in yet.</Empty> : undefined)}>
          {(v) => <TableOf name="Ways in" columns={doors} rows={v.doors} keyOf={(d) => d.door} />}
        </Part>
      </Card>
    </div>
  )
}

function headline(v: Correlation | undefined): string {
  if (!v) return 'Reading …'
  const bad = v.services.filter((s) => s.findings.length > 0).length
  return bad === 0 ? 'Nothing to mend' : `${bad} of ${v.services.length} services have something to mend`
}

function totals({ totals: t }: Correlation): string {
  const part = (n: number, of: number) => (of > 0 ? share(n / of) : 'none')
  return `${part(t.with_trace_id, t.log_records)} of ${count(t.log_records)} log lines carry a trace id; ${part(t.ids_found, t.with_trace_id)} of these lead to a stored trace. ${count(t.orphan_spans)} of ${count(t.spans)} spans have a parent that never came. ${count(t.dangling_exemplars)} traces that a metric names are not stored.`
}

const columns: Column<Row>[] = [
  { id: 'service', head: 'service', cell: (s) => <Service name={s.service} /> },
  { id: 'lines', head: 'log lines', number: true, wide: true, cell: (s) => count(s.log_records) },
  { id: 'ids', head: 'with an id', number: true, cell: (s) => (s.log_records > 0 ? share(s.with_trace_id / s.log_records) : '') },
  { id: 'orphans', head: 'spans without parent', number: true, wide: true, cell: (s) => count(s.orphan_spans) },
  { id: 'skew', head: 'clock off', number: true, wide: true, cell: (s) => (s.clock_skew_ns === 0 ? '' : duration(s.clock_skew_ns)) },
  { id: 'mend', head: 'what to mend', cell: (s) => <Findings of={s} /> },
]

function Findings({ of }: { of: Row }) {
  if (of.findings.length === 0) return <span class="faint">nothing to mend</span>
  return (
    <ul class="health-findings">
      {of.findings.map((f) => (
        <li key={f.kind}>
          {f.says} <span class="quiet-text">{f.mend}</span>
        </li>
      ))}
    </ul>
  )
}

const doors: Column<Door>[] = [
  { id: 'door', head: 'way in', cell: (d) => <span class="mono">{d.door}</span> },
  { id: 'requests', head: 'requests', number: true, cell: (d) => count(d.requests) },
  { id: 'stored', head: 'stored', number: true, cell: (d) => count(d.stored) },
  { id: 'refused', head: 'refused', number: true, cell: (d) => <span class={d.refused > 0 ? 'failed' : 'faint'}>{count(d.refused)}</span> },
  { id: 'p95', head: 'p95', number: true, wide: true, cell: (d) => duration(d.p95_ns) },
  { id: 'last', head: 'last refusal', cell: (d) => (d.last_refusal ? `${clockTime(ms(d.last_refusal.time))} ${d.last_refusal.sender}: ${d.last_refusal.reason}` : '') },
]

function MissingCard() {
  const id = address.value.params.id ?? ''
  const text = useSignal(id)
  useKeys([{ key: 'i', does: 'to the id that is missing', run: () => document.getElementById('missing-id')?.focus() }])
  return (
    <Card title="Why is this trace not here?">
      <form
        class="health-form"
        onSubmit={(e) => {
          e.preventDefault()
          change({ id: text.value.trim() })
        }}
      >
        <input id="missing-id" class="field mono" aria-label="Trace id" placeholder="A trace id in any spelling" value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} />
        <button type="submit" class="button">
          Look
        </button>
      </form>
      {id ? <Why key={id} id={id} /> : <Note>Hex, decimal, or the value of traceparent, b3, uber-trace-id, X-Amzn-Trace-Id or X-Cloud-Trace-Context.</Note>}
    </Card>
  )
}
