// Health: does everything join? And why is a trace not here?
import './health.css'
import { useSignal } from '@preact/signals'
import { useAnswer } from '../api/answer.ts'
import type { Correlation, Intake } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { asked } from '../frame/range.ts'
import { LastSeen } from '../parts/last-seen.tsx'
import { Service } from '../parts/marks.tsx'
import { Card, Empty, Note, Part } from '../parts/part.tsx'
import { TableOf, following, sorted, type Column } from '../parts/table.tsx'
import { Why } from '../parts/why.tsx'
import { count, duration } from '../words/numbers.ts'
import { clockTime, ms } from '../words/times.ts'
import { foundBy, headline, leftOut, nothing, part, totalsOf } from './totals.ts'

type Row = Correlation['services'][number]
type Door = Intake['doors'][number]

export default function Health() {
  const params = asked()
  const answer = useAnswer<Correlation>('api/v1/correlation', { ...params }, { live: true })
  const intake = useAnswer<Intake>('api/v1/intake', {}, { live: true })
  useHand({ title: 'Health', ask: { path: 'api/v1/correlation', params: { ...params } } })
  const { sort = 'mend' } = address.value.params
  const sortBy = (id: string) => change({ sort: id === 'mend' ? '' : id }, 'replace')
  useKeys([{ key: 's', does: 'sort services by the next column', run: () => sortBy(following(columns, sort)) }])
  return (
    <div class="view stack">
      <h1>{answer.problem && !answer.value ? 'What joins could not be read' : headline(answer.value)}</h1>
      <div class="health-columns">
        <div class="stack">
          <Card title="Does everything join?" about="all services together">
            <Part answer={answer} lines={2} partial={(v) => v.sampled && 'Numbers are estimated from a part of what is stored.'}>
              {(v) => <Totals of={v} />}
            </Part>
          </Card>
          <Card title="By service" about={sort === 'mend' ? 'those with something to mend first' : `by ${columns.find((c) => c.id === sort)?.head ?? sort}`}>
            <Part answer={answer} lines={8} empty={(v) => (v.services.length === 0 ? <Empty>Nothing came in this range. <LastSeen /></Empty> : undefined)}>
              {(v) => <TableOf name="Services" columns={columns} rows={sorted(v.services, columns, sort)} keyOf={(s) => s.service} sort={sort} onSort={sortBy} />}
            </Part>
          </Card>
          <Card title="Coming in" about="since the gateway started">
            <Part answer={intake} lines={3}>
              {(v) => (
                <>
                  {v.doors.length === 0 ? <Empty>No request has come in yet.</Empty> : <TableOf name="Ways in" columns={doors} rows={v.doors} keyOf={(d) => d.door} />}
                  <Limits of={v} />
                </>
              )}
            </Part>
          </Card>
        </div>
        <MissingCard />
      </div>
    </div>
  )
}

function Totals({ of }: { of: Correlation }) {
  return (
    <ul class="health-totals">
      {totalsOf(of).map((t) => (
        <li key={t.of}>
          <strong class={t.bad ? 'unusual' : ''}>{t.number}</strong>
          <span class="quiet-text">{t.of}</span>
        </li>
      ))}
    </ul>
  )
}

const columns: Column<Row>[] = [
  { id: 'service', head: 'service', cell: (s) => <Service name={s.service} />, by: (s) => s.service },
  { id: 'lines', head: 'log lines', number: true, wide: true, cell: (s) => count(s.log_records), by: (s) => s.log_records },
  { id: 'ids', head: 'with id', number: true, cell: (s) => (s.log_records > 0 ? part(s.with_trace_id, s.log_records) : ''), by: (s) => (s.log_records > 0 ? 1 - s.with_trace_id / s.log_records : -1) },
  { id: 'found', head: 'id found', number: true, wide: true, cell: (s) => <span class={s.half_ids > 0 ? 'unusual' : ''}>{foundBy(s)}</span>, by: (s) => s.half_ids + s.with_trace_id - s.ids_found },
  { id: 'spans', head: 'spans', number: true, wide: true, cell: (s) => count(s.spans), by: (s) => s.spans },
  { id: 'orphans', head: 'no parent', number: true, wide: true, cell: (s) => <span class={s.orphan_spans > 0 ? 'unusual' : 'faint'}>{count(s.orphan_spans)}</span>, by: (s) => s.orphan_spans },
  { id: 'skew', head: 'clock off', number: true, wide: true, cell: (s) => <span class="faint">{s.clock_skew_ns === 0 ? '0' : duration(s.clock_skew_ns)}</span>, by: (s) => Math.abs(s.clock_skew_ns) },
  { id: 'mend', head: 'what to mend', cell: (s) => <Findings of={s} />, by: (s) => s.findings.length },
]

function Findings({ of }: { of: Row }) {
  if (of.findings.length === 0) return <span class="faint health-nothing">{nothing(of)}</span>
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
  { id: 'sampled', head: 'left out', number: true, wide: true, cell: (d) => <span class={d.sampled > 0 ? 'unusual' : 'faint'}>{count(d.sampled)}</span> },
  { id: 'p95', head: 'p95', number: true, wide: true, cell: (d) => duration(d.p95_ns) },
  { id: 'last', head: 'last refusal', cell: (d) => (d.last_refusal ? `${clockTime(ms(d.last_refusal.time))} ${d.last_refusal.sender}: ${d.last_refusal.reason}` : '') },
]

/** limitsShown is how many of the times are listed in which a limit left something out. */
const limitsShown = 3

function Limits({ of }: { of: Intake }) {
  return (
    <>
      {of.limited.filter((l) => l.sampled > 0).slice(0, limitsShown).map((l) => (
        <Note key={`${l.signal} ${l.service ?? ''} ${l.start}`}>{leftOut(l)}</Note>
      ))}
    </>
  )
}

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
