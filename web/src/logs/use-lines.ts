// The lines of a question: the newest page first, older ones when somebody scrolls up to them.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Problem, ask, queryOf } from '../api/client.ts'
import type { Logs } from '../api/types.ts'
import { range } from '../frame/range.ts'
import { merged, nanosOf, ofRecord, ofStreams, type Line, type Streams } from './line.ts'
import { logqlOf, paramsOf, type Question } from './question.ts'
import { arrived, mostKept, nothing, released, type Kept } from './tail.ts'

const pageSize = 500
const slowAfter = 3000

/** Page is some lines, the oldest first, and where those before them begin; empty if there are none. */
interface Page {
  lines: Line[]
  before: string
}

/** Older is what is known of lines before the first one. */
export type Older = 'none' | 'more' | 'loading' | 'full' | Problem

export interface Lines {
  kept: Kept
  older: Older
  loading: boolean
  slow: boolean
  problem?: Problem
  /** whose lines these are: it changes when another question's are shown */
  of: string
  /** the page ended before anything was found, because searching took long */
  cutShort: boolean
  loadOlder: () => void
  again: () => void
  cancel: () => void
  /** takes lines of a tail */
  add: (lines: Line[], held: boolean) => void
  /** shows the lines that waited */
  release: () => void
}

interface State {
  kept: Kept
  before: string
  loading: boolean
  slow: boolean
  problem?: Problem
  older: 'idle' | 'loading' | Problem
  of: string
}

const blank: State = { kept: nothing, before: '', loading: true, slow: false, older: 'idle', of: '' }

/** useLines asks for the lines of a question; upTo (ms) ends them before the range does, where it is not 0. */
export function useLines(question: Question, upTo: number): Lines {
  const { from, to } = range.value
  const [round, setRound] = useState(0)
  const [state, set] = useState<State>(blank)
  const abort = useRef<AbortController>(undefined)
  const of = `${question.kind}?${queryOf(paramsOf(question))} ${from} ${to} ${upTo}`
  const page = useCallback((before: string, signal: AbortSignal) => pageOf(question, upTo, before, signal), [of])

  useEffect(() => {
    const controller = new AbortController()
    abort.current = controller
    const { signal } = controller
    set((old) => ({ ...old, loading: true, slow: false, older: 'idle' }))
    const timer = setTimeout(() => set((old) => ({ ...old, slow: true })), slowAfter)
    page('', signal)
      .then(({ lines, before }) => set({ kept: { lines, waiting: [], dropped: 0 }, before, loading: false, slow: false, older: 'idle', of }))
      .catch((failure: unknown) => !signal.aborted && set((old) => ({ ...old, loading: false, slow: false, problem: problemOf(failure) })))
      .finally(() => clearTimeout(timer))
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [of, round])

  const loadOlder = () => {
    const { before, kept, older, loading } = state
    const signal = abort.current?.signal
    if (!before || older === 'loading' || loading || kept.lines.length >= mostKept || !signal) return
    set((old) => ({ ...old, older: 'loading' }))
    page(before, signal)
      .then((p) => set((old) => ({ ...old, kept: { ...old.kept, lines: merged(p.lines, old.kept.lines) }, before: p.before, older: 'idle' })))
      .catch((failure: unknown) => !signal.aborted && set((old) => ({ ...old, older: problemOf(failure) })))
  }
  const { kept, before, older } = state
  return {
    kept,
    older: older !== 'idle' ? older : before === '' ? 'none' : kept.lines.length >= mostKept ? 'full' : 'more',
    loading: state.loading,
    slow: state.slow,
    ...(state.problem && { problem: state.problem }),
    of: state.of,
    cutShort: kept.lines.length === 0 && before !== '',
    loadOlder,
    again: () => setRound((n) => n + 1),
    cancel: () => {
      abort.current?.abort()
      set((old) => ({ ...old, loading: false, slow: false, problem: new Problem(0, 'You cancelled this question.') }))
    },
    add: (lines, held) => set((old) => ({ ...old, kept: arrived(old.kept, lines, held) })),
    release: () => set((old) => (old.kept.waiting.length > 0 ? { ...old, kept: released(old.kept) } : old)),
  }
}

function problemOf(failure: unknown): Problem {
  return failure instanceof Problem ? failure : new Problem(0, String(failure))
}

function pageOf(question: Question, upTo: number, before: string, signal: AbortSignal): Promise<Page> {
  return question.kind === 'logql' ? pageOfLogQL(question, upTo, before, signal) : pageOfRecords(question, upTo, before, signal)
}

async function pageOfRecords(question: Question, upTo: number, cursor: string, signal: AbortSignal): Promise<Page> {
  const { from, to } = range.value
  const end = upTo > 0 ? new Date(upTo).toISOString() : to
  const page = await ask<Logs>('api/v1/logs', { ...paramsOf(question), start: from, end, traces: true, limit: pageSize, cursor }, signal)
  return { lines: page.logs.map(ofRecord).reverse(), before: page.next_cursor ?? '' }
}

interface QueryRange {
  data: { resultType: string; result: Streams[] }
}

async function pageOfLogQL(question: Question, upTo: number, before: string, signal: AbortSignal): Promise<Page> {
  const { start, end } = range.value
  const until = before || `${Math.ceil(upTo || end)}000000`
  const params = { query: logqlOf(question), start: `${Math.floor(start)}000000`, end: until, limit: pageSize, direction: 'backward' }
  const { data } = await ask<QueryRange>('loki/api/v1/query_range', params, signal)
  if (data.resultType !== 'streams') throw new Problem(0, 'This query makes numbers of lines. Leave out what is around { … } and its filters to see the lines.')
  const lines = ofStreams(data.result)
  const first = lines[0]
  // One nanosecond on: lines of the same time may be on the next page, and those of this page are known.
  return { lines, before: first && lines.length >= pageSize ? String(BigInt(nanosOf(first.time)) + 1n) : '' }
}
