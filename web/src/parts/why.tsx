// Why a trace is not here: steps, each with what was looked at, and the likeliest reason with one thing to do.
import './why.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../api/client.ts'
import type { WhyMissing } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { say } from '../frame/say.ts'
import { shown } from './marks.tsx'

/** between is the time (ms) between two looks. */
const between = 5000

type Outcome = WhyMissing['steps'][number]['outcome']

const signs: Record<Outcome, [sign: string, heard: string]> = { ok: ['✓', 'fine'], no: ['✕', 'this is why'], warn: ['!', 'maybe why'], unknown: ['?', 'not known'] }

interface WhyProps {
  /** an id in any spelling */
  id: string
  /** what is known already, as of the problem document of a trace that is not here */
  missing?: WhyMissing | undefined
  /** is called once the trace is here; without it a link leads there */
  onFound?: () => void
}

/** Why keeps looking, and tells when the trace arrives. */
export function Why({ id, missing, onFound }: WhyProps) {
  const [why, failed] = useLook(id, missing)
  const found = why?.found ?? false
  const told = useRef(onFound)
  told.current = onFound
  useEffect(() => {
    if (!found) return
    say('The trace has arrived.')
    told.current?.()
  }, [found])
  return (
    <div class="why">
      {why && (
        <ol class="why-steps" aria-label="What was looked at">
          {why.steps.map((step) => (
            <li key={step.kind} class={`why-${step.outcome}`}>
              <Sign outcome={step.outcome} />
              <span>{shown(step.says)}</span>
            </li>
          ))}
          <li>
            <span class="why-sign" aria-hidden="true">
              …
            </span>
            <span>{failed || (found ? 'It has arrived.' : 'Looking on: it is told here when it arrives.')}</span>
          </li>
        </ol>
      )}
      {!why && <p class="empty">{failed || 'Looking for it …'}</p>}
      {found && !onFound && why && (
        <p class="why-likely">
          <a href={href('trace', {}, why.trace_id)}>Open the trace</a>
        </p>
      )}
      {!found && why?.likely && (
        <p class="why-likely">
          <strong>Most likely: {shown(why.likely.says)}</strong> {shown(why.likely.mend)}
        </p>
      )}
    </div>
  )
}

function Sign({ outcome }: { outcome: Outcome }) {
  const [sign, heard] = signs[outcome] ?? signs.unknown
  return (
    <span class="why-sign">
      <span aria-hidden="true">{sign}</span>
      <span class="heard">{heard}: </span>
    </span>
  )
}

// useLook asks again and again while the trace is not here and somebody can see it.
function useLook(id: string, first: WhyMissing | undefined): [WhyMissing | undefined, string] {
  const [why, set] = useState<{ id: string; is: WhyMissing } | undefined>(first && { id, is: first })
  const [failed, setFailed] = useState('')
  useEffect(() => {
    const left = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      if (document.visibilityState !== 'visible') {
        timer = setTimeout(look, between)
        return
      }
      ask<WhyMissing>('api/v1/why-missing', { id }, left.signal)
        .then((is) => {
          set({ id, is })
          setFailed('')
          if (!is.found) timer = setTimeout(look, between)
        })
        .catch((failure: unknown) => {
          if (left.signal.aborted) return
          setFailed(failure instanceof Error ? failure.message : String(failure))
          timer = setTimeout(look, between)
        })
    }
    if (first && first.id === id) timer = setTimeout(look, between)
    else look()
    return () => {
      left.abort()
      clearTimeout(timer)
    }
  }, [id])
  return [why?.id === id ? why.is : undefined, failed]
}
