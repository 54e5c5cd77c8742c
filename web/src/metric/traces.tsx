// The traces of a box: those first that exceed the usual of their operation most.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { Exemplar, MetricPivot } from '../api/types.ts'
import { address, change, go, href, next } from '../frame/address.ts'
import { Card, Empty, Part } from '../parts/part.tsx'
import { bodyOf, Level, ServiceMark, shown } from '../parts/marks.tsx'
import { useRows } from '../parts/rows.ts'
import { TableOf, type Column } from '../parts/table.tsx'
import { count, duration, exactly, over } from '../words/numbers.ts'
import { full, listed, ms, zone } from '../words/times.ts'
import { saying } from '../words/saying.ts'

/** page is how many traces are shown at first, and more each time; most is what the API gives. */
const [page, most] = [20, 200]

export interface TracesOf {
  query: string
  start: string
  end: string
  min: number | undefined
  max: number | undefined
}

interface TracesProps {
  of: TracesOf
  boxed: boolean
  live?: boolean
}

export function Traces({ of, boxed, live = false }: TracesProps) {
  const limit = useSignal(page)
  const key = JSON.stringify(of)
  useEffect(() => {
    limit.value = page
  }, [key])
  const answer = useAnswer<MetricPivot>('api/v1/pivot/metric', { ...of, limit: limit.value }, { live })
  const rows = answer.value?.exemplars ?? []
  const open = (row: Exemplar) => go(next('trace', row.span_id ? { span: row.span_id } : {}, row.trace_id))
  const [at, setAt] = useRows(rows.length, (index) => rows[index] && open(rows[index]))
  useRowInAddress(at, setAt, rows.length)
  return (
    <Card
      title={boxed ? 'Traces in the box' : 'Traces'}
      about={answer.value && aboutRows(answer.value)}
      class="metric-traces"
      aside={
        <span class="only-wide quiet-text">
          <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open
        </span>
      }
    >
      <Part answer={answer} lines={8} reading="reading traces" partial={(found) => (found.truncated ? 'There was no time to look at all spans: the first may be missing.' : undefined)} empty={(found) => (found.exemplars.length === 0 ? <None found={found} boxed={boxed} /> : undefined)}>
        {(found) => (
          <>
            <TableOf name="Traces" columns={columns()} rows={found.exemplars} keyOf={(r) => `${r.trace_id}${r.span_id ?? ''}`} at={at} onOpen={open} />
            {found.exemplars.length === limit.value && limit.value < most && <More onMore={() => (limit.value = Math.min(most, limit.value + page))} />}
          </>
        )}
      </Part>
    </Card>
  )
}

// The row that keys are at is part of the address.
function useRowInAddress(at: number, setAt: (at: number) => void, length: number): void {
  const first = useRef(true)
  useEffect(() => {
    if (length === 0 || !first.current) return
    first.current = false
    const row = Number(address.value.params.row)
    if (address.value.params.row && Number.isInteger(row)) setAt(Math.min(row, length - 1))
  }, [length])
  useEffect(() => {
    if (at >= 0) change({ row: String(at) }, 'replace')
  }, [at])
}

function aboutRows({ total, total_estimated, exemplars }: MetricPivot): string {
  const n = total ?? exemplars.length
  return `${total_estimated ? '≈ ' : ''}${count(n)}, those first that exceed the usual of their operation most`
}

function None({ found, boxed }: { found: MetricPivot; boxed: boolean }) {
  const says = found.hint ?? (boxed ? 'no trace in this box' : 'no trace in this range')
  return (
    <Empty>
      {says.charAt(0).toUpperCase() + says.slice(1)}
      {!says.endsWith('.') && '.'}
    </Empty>
  )
}

// More shows the next rows when it comes into view, or on a click.
function More({ onMore }: { onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && onMore())
    if (button.current) watch.observe(button.current)
    return () => watch.disconnect()
  })
  return (
    <button type="button" ref={button} class="button quiet" onClick={onMore}>
      Show more
    </button>
  )
}

function columns(): Column<Exemplar>[] {
  return [
    { id: 'over', head: 'over usual', number: true, cell: overUsual },
    { id: 'took', head: 'took', number: true, cell: (r) => <span title={exactly(took(r))}>{duration(took(r))}</span> },
    { id: 'usual', head: 'usual', number: true, wide: true, cell: (r) => <span class="quiet-text">{r.typical_duration_ns ? duration(r.typical_duration_ns) : 'none yet'}</span> },
    { id: 'operation', head: 'operation', cell: operation },
    { id: 'started', head: `started, ${zone(Date.now())}`, wide: true, cell: (r) => <span class="mono quiet-text" title={full(r.trace.start)}>{listed(startOf(r))}</span> },
    { id: 'through', head: 'through', wide: true, cell: through },
    { id: 'worst', head: 'worst log line on the way', cell: worst },
  ]
}

// A metric without a value for each request tells how long the trace took.
function took(r: Exemplar): number {
  return r.value !== null && r.typical_duration_ns !== undefined ? r.value * 1e9 : r.trace.duration_ns
}

function startOf(r: Exemplar): number {
  return ms(r.trace.start)
}

function overUsual(r: Exemplar) {
  if (!r.typical_duration_ns) return <span class="faint">–</span>
  const unusual = took(r) >= 2 * r.typical_duration_ns
  return <span class={unusual ? 'unusual' : 'quiet-text'}>{over(took(r), r.typical_duration_ns)}</span>
}

function operation(r: Exemplar) {
  const name = r.series.span_name || r.trace.root_name
  return (
    <a class="mono trace-operation cut" href={href('trace', r.span_id ? { span: r.span_id } : {}, r.trace_id)} title={shown(name)} onClick={(e) => e.stopPropagation()}>
      {name ? shown(name) : <em>root not here yet</em>}
    </a>
  )
}

function through(r: Exemplar) {
  return (
    <span class="trace-through" title={shown(r.trace.services.join(', '))}>
      {r.trace.services.slice(0, 10).map((s) => (
        <ServiceMark key={s} service={s} />
      ))}
      {r.trace.services.length > 10 && ` +${r.trace.services.length - 10}`}
      <span class="heard">{shown(r.trace.services.join(', '))}</span>
    </span>
  )
}

function worst(r: Exemplar) {
  if (!r.worst_log) return null
  const body = shown(saying(bodyOf(r.worst_log.body)))
  return (
    <span class="trace-worst cut" title={body.slice(0, 2000)}>
      <Level severity={r.worst_log.severity} /> <span class="mono">{body.slice(0, 300)}</span>
    </span>
  )
}
