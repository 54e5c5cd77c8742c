// The selected span: what it took against its usual, its attributes, and what leads on from it.
import { useEffect, useState } from 'preact/hooks'
import { Problem } from '../api/client.ts'
import { href } from '../frame/address.ts'
import { iso } from '../frame/range.ts'
import { ServiceMark, shown } from '../parts/marks.tsx'
import { Card, Failure } from '../parts/part.tsx'
import { against, duration, exactly, plural } from '../words/numbers.ts'
import { ms } from '../words/times.ts'
import { Copy } from './copy.tsx'
import { attributesOf, inOrder, type Details } from './details.ts'
import { Flag, has, operationOf, type Trace } from './model.ts'
import type { Reader } from './reader.ts'
import { isUnusual, type UsualOf } from './usual.ts'

/** fewAttributes is how many attributes are shown at once. */
const fewAttributes = 6
/** longestValue is how much of a value is shown at once, in letters. */
const longestValue = 2000
/** patience is how long (ms) a span must stay selected before it is asked about: keys run past many. */
const patience = 120

interface SpanCardProps {
  t: Trace
  span: number
  reader: Reader | undefined
  usual: UsualOf
  /** finds a text in the trace */
  onFind: (text: string) => void
}

export function SpanCard({ t, span, reader, usual, onFind }: SpanCardProps) {
  const [details, problem, again] = useDetails(t, span, reader)
  const o = operationOf(t, span)
  const normal = usual(o)
  const took = t.took[span] as number
  const title = shown(o.name) || 'A span without a name'
  return (
    <Card title={title} about={`${shown(o.service)}${o.kind === 'unspecified' ? '' : `, ${o.kind}`}`} aside={<ServiceMark service={o.service} />} class="span-card" id="span-card">
      <dl class="pairs">
        <div>
          <dt>took</dt>
          <dd>
            <span title={exactly(took)}>{duration(took)}</span>{' '}
            {normal > 0 ? <span class={isUnusual(took, normal) ? 'unusual' : 'faint'}>{isUnusual(took, normal) ? `usually ${duration(normal)}` : against(took, normal)}</span> : <span class="faint">no usual yet</span>}
          </dd>
        </div>
        <Pair name="self time" value={duration(t.self[span] as number)} title={exactly(t.self[span] as number)} />
        {t.messages.has(span) && <Pair name="status" value={t.messages.get(span) ?? ''} />}
        {has(t, span, Flag.skewed) && <Pair name="clock moved by" value={duration(t.skew[span] as number)} />}
        {has(t, span, Flag.orphan) && <Pair name="parent" value="not here" />}
      </dl>
      {problem && <Failure problem={problem} again={again} />}
      {details ? <Attributes details={details} onFind={onFind} /> : !problem && <p class="empty">reading its attributes …</p>}
      <Onward t={t} span={span} details={details} />
    </Card>
  )
}

function Pair({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="mono wraps" title={title}>
        {shown(value)}
      </dd>
    </div>
  )
}

function useDetails(t: Trace, span: number, reader: Reader | undefined): [Details | undefined, Problem | undefined, () => void] {
  const [state, set] = useState<{ of: Trace; span: number; details?: Details; problem?: Problem } | undefined>(undefined)
  const [round, setRound] = useState(0)
  useEffect(() => {
    let left = false
    const timer = setTimeout(() => {
      reader?.ask({ does: 'details', span }).then(
        (details) => !left && set({ of: t, span, details }),
        (failure: unknown) => !left && set({ of: t, span, problem: failure instanceof Problem ? failure : new Problem(0, String(failure)) }),
      )
    }, patience)
    return () => {
      left = true
      clearTimeout(timer)
    }
  }, [t, span, reader, round])
  const mine = state?.of === t && state.span === span ? state : undefined
  return [mine?.details, mine?.problem, () => setRound((n) => n + 1)]
}

function Attributes({ details, onFind }: { details: Details; onFind: (text: string) => void }) {
  const [all, setAll] = useState(false)
  const keys = inOrder(details)
  const values = attributesOf(details.span)
  const few = Math.max(fewAttributes, Math.min(details.differs.length, 2 * fewAttributes))
  return (
    <>
      {details.differs.length > 0 && <p class="span-differs quiet-text">First what differs from {plural(details.siblings, 'other span')} of this operation</p>}
      <dl class="pairs">
        {(all ? keys : keys.slice(0, few)).map((key) => (
          <Attribute key={key} name={key} value={values.get(key) ?? ''} differs={details.differs.includes(key)} onFind={onFind} />
        ))}
      </dl>
      {keys.length > few && (
        <button type="button" class="row-button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Fewer attributes' : plural(keys.length - few, 'more attribute')}
        </button>
      )}
    </>
  )
}

function Attribute({ name, value, differs, onFind }: { name: string; value: string; differs: boolean; onFind: (text: string) => void }) {
  const [whole, setWhole] = useState(false)
  const cut = value.length > longestValue && !whole
  return (
    <div>
      <dt class={`mono cut${differs ? ' differs' : ''}`} title={shown(name)}>
        {shown(name)}
      </dt>
      <dd>
        <span class="mono wraps">
          {shown(cut ? value.slice(0, longestValue) : value)}
          {cut && (
            <button type="button" class="small-button" onClick={() => setWhole(true)}>
              … show all
            </button>
          )}
        </span>
        <Copy text={value} of={name} />
        <button type="button" class="small-button" aria-label={`Find ${name} in this trace`} title="Find in this trace" onClick={() => onFind(`${name}=${value.slice(0, 100)}`)}>
          find
        </button>
      </dd>
    </div>
  )
}

function Onward({ t, span, details }: { t: Trace; span: number; details: Details | undefined }) {
  const { service } = operationOf(t, span)
  const lines = (t.lineFrom[span + 1] as number) - (t.lineFrom[span] as number)
  const begin = ms(t.start) + (t.begin[span] as number) / 1e6
  const around = { from: iso(begin - 30_000), to: iso(begin + (t.took[span] as number) / 1e6 + 30_000) }
  return (
    <ul class="onward">
      {lines > 0 && (
        <li>
          <a href={href('logs', { q: t.id, services: service, ...around })}>{plural(lines, 'log line')} of this span, and what else {shown(service)} wrote in this trace</a>
        </li>
      )}
      <li>
        <a href={href('logs', { services: service, ...around })}>{shown(service)} around this time</a>
      </li>
      {details?.span.links.map((l) => (
        <li key={`${l.trace_id} ${l.span_id}`}>
          <a href={href('trace', { span: l.span_id }, l.trace_id)}>
            links to trace <code>{l.trace_id.slice(0, 8)}…</code>
          </a>
        </li>
      ))}
    </ul>
  )
}
