// The four numbers on top of Health, and its sentences. Pure functions on the API's answers.
import type { Correlation, Intake } from '../api/types.ts'
import { count, plural, share } from '../words/numbers.ts'
import { ms, stretch } from '../words/times.ts'

type Row = Correlation['services'][number]
type Limited = Intake['limited'][number]

/** Total is a number and what it is of. */
export interface Total {
  number: string
  of: string
  /** something is to be mended */
  bad: boolean
}

/** totalsOf are what joins, of all services together. */
export function totalsOf({ totals: t }: Correlation): Total[] {
  return [
    { number: part(t.with_trace_id, t.log_records), of: `of ${plural(t.log_records, 'log line')} carry a trace id`, bad: false },
    { number: part(t.ids_found, t.with_trace_id), of: 'of those ids have a stored trace', bad: false },
    { number: count(t.orphan_spans), of: `of ${plural(t.spans, 'span')} wait for a parent`, bad: t.orphan_spans > 0 },
    { number: count(t.dangling_exemplars), of: 'traces that a metric names are not stored', bad: t.dangling_exemplars > 0 },
  ]
}

/** part writes how many of some join: to a tenth of a percent, and 100 % for nothing but all. */
export function part(n: number, of: number): string {
  if (of === 0) return 'none'
  const tenths = Math.floor((n / of) * 1000)
  return tenths >= 900 && tenths < 1000 ? `${(tenths / 10).toFixed(1)}\u2009%` : share(n / of)
}

/** headline says whether everything joins. */
export function headline(v: Correlation | undefined): string {
  if (!v) return 'Reading …'
  if (v.services.length === 0) return 'Nothing came in this range'
  const bad = v.services.filter((s) => s.findings.length > 0)
  if (bad.length === 0) return `Everything joins, of ${plural(v.services.length, 'service')}`
  return bad.length === 1 ? `${bad[0]?.service} has something to mend, of ${plural(v.services.length, 'service')}` : `${bad.length} of ${plural(v.services.length, 'service')} have something to mend`
}

/** nothing says of a service without findings that there is nothing to mend, and what looks as if there were. */
export function nothing(s: Row): string {
  const without = s.log_records - s.with_trace_id
  return without > 0 ? `Nothing: ${plural(without, 'line')} ${without === 1 ? 'carries' : 'carry'} no id, as those from outside of requests do.` : 'Nothing.'
}

/** foundBy says how the ids of a service's log lines lead to traces. */
export function foundBy(s: Row): string {
  if (s.half_ids > 0) return 'by half id'
  return s.with_trace_id === 0 ? '' : part(s.ids_found, s.with_trace_id)
}

/** ofService says whose limit it was; of all together it says nothing. */
function ofService(service: string | undefined): string {
  if (!service) return ''
  return service === '*' ? 'that services share ' : `of ${service} `
}

/** leftOut says when more came in than a limit lets through, and how much was left out. */
export function leftOut(l: Limited): string {
  const of = l.signal === 'traces' ? plural(l.came, 'span') : plural(l.came, 'log record')
  return `Above the limit ${ofService(l.service)}${stretch(ms(l.start), ms(l.end))}: ${count(l.sampled)} of ${of} left out; at the worst ${share(l.least_share)} were kept.`
}
