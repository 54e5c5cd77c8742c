// A part of a view in each of its states: the answer is on its way, empty, partial, or it failed.
import './part.css'
import type { ComponentChildren, JSX } from 'preact'
import type { Answer } from '../api/answer.ts'
import type { Problem } from '../api/client.ts'
import { shown } from './marks.tsx'

interface PartProps<T> {
  answer: Answer<T>
  /** draws the answer */
  children: (value: T) => ComponentChildren
  /** what stands in the part's place until the first answer: rows of this many lines */
  lines?: number
  /** says that an answer holds nothing; what it returns is shown in place of the answer */
  empty?: (value: T) => ComponentChildren | undefined
  /** what the answer lacks, and how to get it */
  partial?: (value: T) => ComponentChildren | undefined
  /** what is being read, for answers that take long */
  reading?: string
}

/** Part draws an answer, or why there is none. The last answer stays, dimmed, while a new one comes. */
export function Part<T>({ answer, children, lines = 4, empty, partial, reading = 'reading' }: PartProps<T>) {
  const { value, problem, loading, slow } = answer
  if (value === undefined) {
    if (problem) return <Failure problem={problem} again={answer.again} />
    return loading ? <Skeleton lines={lines} slow={slow} reading={reading} cancel={answer.cancel} /> : null
  }
  const lack = partial?.(value)
  return (
    <div class="part" aria-busy={loading}>
      {loading && <div class="part-bar" />}
      {slow && <Slow reading={reading} cancel={answer.cancel} />}
      {problem && <Failure problem={problem} again={answer.again} />}
      {lack && <Note>{lack}</Note>}
      <div class={`fades${loading ? ' part-old' : ''}`}>{empty?.(value) ?? children(value)}</div>
    </div>
  )
}

function Skeleton({ lines, slow, reading, cancel }: { lines: number; slow: boolean; reading: string; cancel: () => void }) {
  return (
    <div class="part" aria-busy="true">
      <span class="heard">{reading}</span>
      {slow && <Slow reading={reading} cancel={cancel} />}
      {Array.from({ length: lines }, (_, i) => (
        <div class="part-ghost" key={i} />
      ))}
    </div>
  )
}

function Slow({ reading, cancel }: { reading: string; cancel: () => void }) {
  return (
    <Note>
      {reading} …{' '}
      <button type="button" class="button" onClick={cancel}>
        Cancel
      </button>
    </Note>
  )
}

/** Failure says what went wrong, and offers to try again; the other parts of the view live on. */
export function Failure({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="note note-failed" role="alert">
      <span>
        {problem.detail}
        {problem.status > 0 && <span class="faint"> ({problem.status})</span>}
      </span>
      {again && (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Note is a line with an edge on its left: what is missing and how to get it. */
export function Note({ children }: { children: ComponentChildren }) {
  return <div class="note">{children}</div>
}

/** Empty says what was looked for, where, and the nearest way out. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

interface CardProps {
  title: string
  about?: ComponentChildren
  aside?: ComponentChildren
  children: ComponentChildren
  class?: string
  id?: string
}

/** Card is a titled part of a view. */
export function Card({ title, about, aside, children, class: kind = '', id }: CardProps): JSX.Element {
  return (
    <section class={`card ${kind}`} aria-label={shown(title)} id={id}>
      <header>
        <h2>{shown(title)}</h2>
        {about && <span class="quiet-text">{about}</span>}
        {aside && <span class="card-aside">{aside}</span>}
      </header>
      {children}
    </section>
  )
}
