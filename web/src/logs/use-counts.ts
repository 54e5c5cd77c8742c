// The counts behind facets and histogram: those kept by the minute where they answer the question,
// or else LogQL's.
import { useMemo } from 'preact/hooks'
import { useAnswer, type Answer } from '../api/answer.ts'
import type { Correlation, LogVolume } from '../api/types.ts'
import { tick } from '../frame/live.ts'
import { asked, range } from '../frame/range.ts'
import { facetsOf, fromMatrix, fromVolume, stepFor, type Counts, type Matrix } from './counts.ts'
import { countedByMinute, logqlOf, without, type Question } from './question.ts'

/** useBounds is the range in ms. It moves with the ticks, not with every step that one takes in the view. */
export function useBounds(): { start: number; end: number } {
  const { from, to, start, end } = range.value
  return useMemo(() => ({ start, end }), [from, to, tick.value])
}

/** useCounts counts the lines of a question by service and level, without regard to which of these were chosen. */
export function useCounts(question: Question): Answer<Counts> {
  const kept = countedByMinute(question) && question.joined === ''
  const { start, end } = useBounds()
  const volume = useAnswer<LogVolume>(kept ? 'api/v1/logs/volume' : null, { by: 'service,severity', step: `${stepFor(end - start) / 1000}s`, ...asked() }, { live: true })
  const read = countOf(question, start, end)
  const matrix = useAnswer<Matrix>(kept ? null : 'loki/api/v1/query_range', read.params)
  if (kept) return mapped(volume, fromVolume)
  return mapped(matrix, (m) => fromMatrix(m, start, end, read.step))
}

// Steps divide the range evenly: LogQL counts back from the end of each.
function countOf(question: Question, start: number, end: number) {
  const columns = Math.max(1, Math.min(90, Math.round((end - start) / 1000)))
  const step = Math.max(1, Math.ceil((end - start) / columns))
  const lines = logqlOf(without(without(question, 'levels'), 'services'))
  const query = `sum by (service_name, detected_level) (count_over_time(${lines} [${step}ms]))`
  return { step, params: { query, start: seconds(start + step), end: seconds(start + step * columns), step: String(step / 1000) } }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function mapped<A, B>({ value, ...rest }: Answer<A>, to: (value: A) => B): Answer<B> {
  return value === undefined ? rest : { ...rest, value: to(value) }
}

/** Joined is how many lines carry a trace id and how many do not. */
export interface Joined {
  yes: number
  no: number
  /** they are estimated from samples */
  about: boolean
}

/** exactUpTo is up to how many lines those without a trace id are counted one by one. */
const exactUpTo = 20_000

/** useJoined counts lines with and without a trace id: exactly where there are few lines, or else by samples. */
export function useJoined(question: Question, counts: Counts | undefined): Joined | undefined {
  const free = without(question, 'joined')
  const matched = counts && question.joined === '' ? facetsOf(counts, question).matched : undefined
  const { start, end } = useBounds()
  const few = matched !== undefined && matched > 0 && matched <= exactUpTo
  const count = `sum(count_over_time(${logqlOf({ ...free, joined: 'no' })} [${Math.ceil(end - start)}ms]))`
  const exact = useAnswer<{ data: { result: { value: [number, string] }[] } }>(few ? 'loki/api/v1/query' : null, { query: count, time: seconds(end) })
  const sampled = useAnswer<Correlation>(matched !== undefined && matched > exactUpTo && countedByMinute(free) ? 'api/v1/correlation' : null, asked())
  if (matched === undefined) return undefined
  if (matched === 0) return { yes: 0, no: 0, about: false }
  if (few) {
    if (!exact.value) return undefined
    const no = Math.min(matched, Number(exact.value.data.result[0]?.value[1] ?? 0))
    return { yes: matched - no, no, about: false }
  }
  return sampled.value && joinedOf(sampled.value, question.services, matched)
}

/** joinedOf applies the share of lines with a trace id, in these services, to so many lines. */
export function joinedOf(sample: Correlation, services: string[], matched: number): Joined {
  const chosen = sample.services.filter((s) => services.length === 0 || services.includes(s.service))
  const all = chosen.reduce((sum, s) => sum + s.log_records, 0)
  const joined = chosen.reduce((sum, s) => sum + s.with_trace_id, 0)
  const yes = all === 0 ? 0 : Math.round((matched * joined) / all)
  return { yes, no: matched - yes, about: true }
}
