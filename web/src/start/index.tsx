// First start: how do I get data in? The steps tick by themselves.
import './start.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ask } from '../api/client.ts'
import type { Intake, Traces } from '../api/types.ts'
import { about } from '../frame/about.ts'
import { href } from '../frame/address.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { say } from '../frame/say.ts'
import { clockTime, ms } from '../words/times.ts'
import { placesOf, snippets } from './snippets.ts'

/** soon, and later on after patience, is how often (ms) the page looks whether something came. */
const [soon, later, patience] = [2000, 10_000, 5 * 60_000]

export function Start({ onOverview }: { onOverview: () => void }) {
  const intake = useIntake()
  const came = useFirstTrace(Boolean(intake?.newest.spans))
  useHand({ title: 'First start' })
  return (
    <div class="view start">
      <div class="stack">
        <div>
          <h1 class="start-headline">{came ? `The first trace is here` : 'Nothing has arrived yet'}</h1>
          <p class="start-sentence">
            {came ? (
              <>
                <a href={href('trace', {}, came.trace_id)}>First trace from {came.root_service || came.services[0]}: open it</a>, or{' '}
                <button type="button" class="button" onClick={onOverview}>
                  go to the overview
                </button>
              </>
            ) : (
              'Point one service here and this page fills by itself. Plait listens, the database is ready.'
            )}
          </p>
        </div>
        <Snippets />
        <section class="card" aria-label="Or have something to look at first">
          <header>
            <h2>Or have something to look at first</h2>
          </header>
          <pre class="start-code" tabIndex={0}>
            plait demo                     # a small shop with a fault now and then{'\n'}
            plait import traces.jsonl.gz   # recorded telemetry, OTLP or Zipkin
          </pre>
        </section>
      </div>
      <Steps intake={intake} />
    </div>
  )
}

function Snippets() {
  const chosen = useSignal(0)
  const copied = useSignal(false)
  const places = placesOf(document.baseURI, about.value?.listens ?? { http: ':4318', grpc: ':4317' })
  const snippet = snippets[chosen.value] ?? snippets[0]
  const text = snippet?.text(places) ?? ''
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => {
      copied.value = true
      say('Copied')
      setTimeout(() => (copied.value = false), 2000)
    })
  }
  useKeys([{ key: 'y', does: 'copy the snippet', run: copy }])
  return (
    <section class="card" aria-label="How to send telemetry here">
      <div class="start-tabs" role="tablist" aria-label="Sender">
        {snippets.map((s, i) => (
          <button key={s.name} type="button" role="tab" id={`tab-${i}`} aria-selected={i === chosen.value} aria-controls="snippet" onClick={() => (chosen.value = i)}>
            {s.name}
          </button>
        ))}
      </div>
      <pre class="start-code" id="snippet" role="tabpanel" aria-labelledby={`tab-${chosen.value}`} tabIndex={0}>
        {text}
      </pre>
      <p class="start-copy">
        <button type="button" class="button" onClick={copy}>
          {copied.value ? 'Copied' : 'Copy'} <kbd>y</kbd>
        </button>
        <span class="quiet-text">Addresses are those this page was opened with.</span>
      </p>
    </section>
  )
}

interface Step {
  name: string
  done: boolean
  about?: string
  failed?: string
}

function Steps({ intake }: { intake: Intake | undefined }) {
  return (
    <section class="card" aria-label="Waiting for">
      <header>
        <h2>Waiting for</h2>
      </header>
      <ol>
        {stepsOf(intake).map((step) => (
          <li key={step.name} class="start-step">
            <span class={`start-dot${step.done ? ' start-done' : ''}`} aria-hidden="true" />
            <span>
              {step.name}
              {step.about && <span class="quiet-text start-about">{step.about}</span>}
            </span>
            <span class={step.failed ? 'failed' : 'faint'}>{step.failed ? 'refused' : step.done ? '✓' : 'not yet'}</span>
            {step.failed && (
              <p class="note start-reason" role="alert">
                {step.failed}
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** stepsOf is how far the first start has come. */
export function stepsOf(intake: Intake | undefined): Step[] {
  const requests = intake?.doors.reduce((n, d) => n + d.requests, 0) ?? 0
  const refusal = intake?.doors.flatMap((d) => (d.last_refusal ? [d.last_refusal] : [])).sort((a, b) => ms(b.time) - ms(a.time))[0]
  const newest = intake?.newest
  return [
    { name: 'Database ready', done: intake !== undefined, about: about.value?.private_postgres ? 'Postgres, private' : 'Postgres' },
    {
      name: 'First request',
      done: requests > 0,
      ...(refusal && { about: `one from ${refusal.sender} at ${clockTime(ms(refusal.time))}, as ${refusal.answer}`, failed: refusal.reason }),
    },
    { name: 'First span', done: Boolean(newest?.spans) },
    { name: 'First log line', done: Boolean(newest?.logs) },
    { name: 'First log line joined to its span', done: Boolean(newest?.joined_log) },
  ]
}

function useIntake(): Intake | undefined {
  const intake = useSignal<Intake | undefined>(undefined)
  useEffect(() => {
    const controller = new AbortController()
    const began = Date.now()
    let timer: ReturnType<typeof setTimeout>
    const look = async () => {
      intake.value = await ask<Intake>('api/v1/intake', {}, controller.signal).catch(() => intake.value)
      if (!controller.signal.aborted) timer = setTimeout(() => void look(), Date.now() - began < patience ? soon : later)
    }
    void look()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [])
  return intake.value
}

function useFirstTrace(here: boolean) {
  const first = useSignal<Traces['traces'][number] | undefined>(undefined)
  useEffect(() => {
    if (!here) return
    const controller = new AbortController()
    ask<Traces>('api/v1/traces', { limit: 1 }, controller.signal)
      .then(({ traces }) => {
        first.value = traces[0]
        if (traces[0]) say(`First trace from ${traces[0].root_service}`)
      })
      .catch(() => undefined)
    return () => controller.abort()
  }, [here])
  return first.value
}
