// What the requests of a box have in common: one sentence, then values with both sides from one zero.
import './common.css'
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Answer } from '../api/answer.ts'
import type { ComparedValue, Comparison } from '../api/types.ts'
import { change } from '../frame/address.ts'
import { Card, Part } from '../parts/part.tsx'
import { Level, ServiceMark, shown } from '../parts/marks.tsx'
import { chance, count, share } from '../words/numbers.ts'
import { alikeLit } from './holding.ts'
import { keep, type Looked } from './holding.tsx'
import { comparedWith, inCommon, nearest, sameText, telling, templateText, these } from './sentences.ts'

/** mostValues is how many values are shown. */
const mostValues = 5

/** rests are with what a box can be compared, as the address has them. */
const rests: [value: string, words: string][] = [
  ['op', 'requests to the same operations'],
  ['all', 'all other requests'],
  ['before', 'the same operations in the time before'],
]

interface CommonProps {
  answer: Answer<Comparison>
  rest: string
  looked: Looked
}

export function Common({ answer, rest, looked }: CommonProps) {
  const c = answer.value
  const title = c && !c.too_few && c.box.total > 0 ? `What ${these(c)} have in common` : 'What they have in common'
  return (
    <Card title={title} class="common">
      <Part answer={answer} lines={4} reading="comparing requests" partial={partial}>
        {(found) => (
          <>
            <p class="common-says">
              {inCommon(found).map((piece, i) => (typeof piece === 'string' ? piece : <code key={i}>{shown(piece.code)}</code>))}
            </p>
            <Values found={found} looked={looked} />
            {!found.too_few && <Rest found={found} rest={rest} />}
          </>
        )}
      </Part>
    </Card>
  )
}

function partial(c: Comparison): string | undefined {
  if (c.truncated) return 'There was no time to read all of them: narrow the box or the range.'
  if (c.ignored_matchers?.length) return `Not looked at: ${c.ignored_matchers.join(', ')}.`
  if (c.box.total > c.box.requests) return `${count(c.box.requests)} of ${c.box.sampled_one_in ? 'about ' : ''}${count(c.box.total)} are compared.`
  return undefined
}

function Values({ found, looked }: { found: Comparison; looked: Looked }) {
  const told = telling(found)
  const values = found.too_few ? [] : told.length > 0 ? told.slice(0, mostValues) : found.templates.length > 0 ? [] : nearest(found)
  if (values.length === 0) return null
  return (
    <ul aria-label={told.length > 0 ? 'Values, the least likely first' : 'The nearest values'}>
      {values.map((v) => (
        <li key={`${v.service ?? ''} ${v.key}=${v.value}`}>
          <Value v={v} found={found} looked={looked} />
        </li>
      ))}
    </ul>
  )
}

interface ValueProps {
  v: ComparedValue
  found: Comparison
  looked: Looked
}

// Whoever looks at a value sees where in the picture it is; whoever chooses it keeps it ringed.
function Value({ v, found, looked }: ValueProps) {
  const same = sameText(v)
  const lit = { key: v.key, value: v.value, service: v.service ?? '' }
  const off = () => looked.look(undefined)
  return (
    <button
      type="button"
      class="common-value"
      aria-pressed={alikeLit(lit, looked.kept)}
      title="Ring the cells that have it"
      onClick={() => keep(lit)}
      onPointerEnter={() => looked.look(lit)}
      onPointerLeave={off}
      onFocus={() => looked.look(lit)}
      onBlur={off}
    >
      <span class="common-head">
        <span class="mono common-text">
          <span class="quiet-text">{shown(v.key)}</span> <strong>{shown(v.value)}</strong>
        </span>
        <span class="quiet-text">{chance(v.chance)}</span>
      </span>
      <Sides box={v.box} others={v.others} found={found} />
      {same && <span class="faint common-same">{shown(same)}</span>}
    </button>
  )
}

/** Sides are two bars from one zero, and their counts. */
function Sides({ box, others, found }: { box: number; others: number; found: Comparison }) {
  const [a, b] = [box / found.box.requests, others / found.others.requests]
  const width = (part: number) => `${Math.max(part === 0 ? 0 : 0.5, part * 100)}%`
  return (
    <>
      <svg class="common-bars" width="100%" height="10" aria-hidden="true">
        <rect class="common-box" width={width(a)} height="5" />
        <rect class="common-others" y="6" width={width(b)} height="4" />
      </svg>
      <span class="common-counts">
        <strong class="unusual">
          {count(box)} of {count(found.box.requests)}
        </strong>
        <span class="quiet-text">
          {count(others)} of {count(found.others.requests)} others{others > 0 && ` (${share(b)})`}
        </span>
      </span>
    </>
  )
}

function Rest({ found, rest }: { found: Comparison; rest: string }) {
  const open = useSignal(false)
  const left = found.left_out.map((l) => l.key).join(', ')
  return (
    <div class="common-rest">
      <p class="quiet-text" title={left && `Left out: ${left}`}>
        {comparedWith(found)}{' '}
        <button type="button" class="button quiet" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          Change
        </button>
      </p>
      {open.value && (
        <fieldset>
          <legend class="heard">Compare with</legend>
          {rests.map(([value, words]) => (
            <label key={value}>
              <input type="radio" name="rest" checked={value === rest} onChange={() => change({ rest: value === 'op' ? '' : value })} /> {words}
            </label>
          ))}
        </fieldset>
      )}
    </div>
  )
}

/** Logged is what the requests logged and others did not. */
export function Logged({ answer }: { answer: Answer<Comparison> }) {
  const c = answer.value
  if (!c || c.templates.length === 0) return null
  return (
    <Card title="What they logged" about="and others did not">
      <Lines>
        {c.templates.slice(0, mostValues).map((t) => (
          <li key={`${t.service} ${t.severity} ${t.template}`}>
            <span class="common-line">
              <Level severity={t.severity} /> <ServiceMark service={t.service} />{' '}
              <span class="mono cut" title={shown(templateText(t.template))}>
                {shown(templateText(t.template))}
              </span>
            </span>
            <Sides box={t.box} others={t.others} found={c} />
          </li>
        ))}
      </Lines>
    </Card>
  )
}

function Lines({ children }: { children: ComponentChildren }) {
  return <ul class="common-lines">{children}</ul>
}
