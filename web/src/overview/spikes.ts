// Spikes as the overview lists and names them. Pure functions on the API's answer.
import type { Edge, Spike } from '../api/types.ts'
import type { Settings } from '../frame/address.ts'
import type { Bar } from '../parts/spark.tsx'
import { duration, plural, share } from '../words/numbers.ts'
import { ms } from '../words/times.ts'

/** fold is from how many spikes of one operation on they stand in one row. */
const fold = 3

/** Row is a spike that people notice, or the same one again and again: its newest, with all of them. */
export interface Row {
  spike: Spike
  all: Spike[]
  /** the services further down the chain that have spikes at the time of the newest */
  behind: string[]
}

const operationOf = (s: Spike) => JSON.stringify([s.service, s.name, s.span_kind])
const overlap = (a: Spike, b: Spike) => ms(a.start) < ms(b.end) && ms(b.start) < ms(a.end)

/** withBins gives each spike the bins of its operation, which the newest one has. */
export function withBins(spikes: Spike[]): Spike[] {
  const bins = new Map<string, Spike['bins']>()
  for (const s of spikes) if (s.bins.length > 0) bins.set(operationOf(s), s.bins)
  return spikes.map((s) => ({ ...s, bins: bins.get(operationOf(s)) ?? [] }))
}

/**
 * rowsOf makes rows of spikes: of a trouble that passes through services, the one that has it is
 * listed where people notice it, at the head of the chain, and the services behind it beside it.
 * What fails goes before what is slow for that. Three rows or more of one operation fold.
 */
export function rowsOf(spikes: Spike[], edges: Edge[]): Row[] {
  const heads = spikes.filter((s) => !spikes.some((o) => overlap(s, o) && hides(o, s, edges)))
  const groups = grouped(heads, (s) => `${s.kind} ${operationOf(s)}`)
  const rows: Row[] = []
  for (const spike of heads) {
    const all = groups.get(`${spike.kind} ${operationOf(spike)}`) ?? [spike]
    const behind = [...new Set(spikes.filter((s) => s.service !== spike.service && overlap(s, spike)).map((s) => s.service))]
    if (all.length < fold) rows.push({ spike, all: [spike], behind })
    else if (all[0] === spike) rows.push({ spike, all, behind })
  }
  return rows
}

// hides says whether a spike tells what another at its time does: its caller's, its service's own
// requests where the other is a call to elsewhere, or the failure of what is slow as well.
function hides(a: Spike, b: Spike, edges: Edge[]): boolean {
  if (a === b) return false
  if (a.service !== b.service) return edges.some((e) => e.client === a.service && e.server === b.service)
  if (incoming(a) && !incoming(b)) return true
  return a.kind === 'errors' && b.kind === 'latency' && operationOf(a) === operationOf(b)
}

function grouped(spikes: Spike[], by: (s: Spike) => string): Map<string, Spike[]> {
  const groups = new Map<string, Spike[]>()
  for (const s of spikes) groups.set(by(s), [...(groups.get(by(s)) ?? []), s])
  return groups
}

const incoming = (s: Spike) => s.span_kind === 'server' || s.span_kind === 'consumer'

/** boxOf is the parameters of the Metric view with the spike's box drawn. */
export function boxOf(s: Spike): Settings {
  const low = s.kind === 'latency' && s.min_seconds ? String(s.min_seconds) : ''
  const failed = s.kind === 'errors' && !s.logged ? failedOnly(s.query) : s.query
  return { query: failed, box: [ms(s.start), ms(s.end), low, ''].join(',') }
}

// failedOnly selects of a latency's series those of spans that failed.
function failedOnly(query: string): string {
  return query.replace(/\}\s*$/, ',status_code="STATUS_CODE_ERROR"}')
}

/** numberOf is what a spike has in its time, and what is usual. */
export function numberOf(s: Spike): { now: string; usual: string } {
  if (s.kind === 'latency') return { now: `p95 ${duration(s.p95_ns)}`, usual: `usually ${duration(s.usual.p95_ns)}` }
  const what = s.logged ? 'logged errors' : 'failed'
  const usual = s.usual.error_rate > 0 ? share(s.usual.error_rate) : 'none'
  return { now: `${s.failed} of ${plural(s.requests, 'request')} ${what}`, usual: `usually ${usual}` }
}

/** barsOf is the course of a row's operation over the range, with its spikes coloured. */
export function barsOf({ spike, all }: Row): Bar[] {
  const within = (at: number, next: number) => all.some((s) => ms(s.start) < next && at < ms(s.end))
  const starts = spike.bins.map((b) => ms(b.start))
  const step = starts.length > 1 ? (starts[1] as number) - (starts[0] as number) : 0
  const kind = spike.kind === 'latency' ? 'unusual' : 'failed'
  return spike.bins.map((b, i) => {
    const at = starts[i] as number
    return { value: spike.kind === 'latency' ? b.p95_ns : b.failed, kind: within(at, at + step) ? kind : 'usual' }
  })
}

/** Headline is the service that people notice, and how often it was slow or failed. */
export interface Headline {
  service: string
  text: string
}

/** headlineOf names the service that people noticed most often; of several the one whose spike is the newest. */
export function headlineOf(rows: Row[]): Headline | undefined {
  const all = rows.flatMap((r) => r.all)
  const counts = [...grouped(all, (s) => s.service)].sort((a, b) => times(b[1]) - times(a[1]))
  const first = counts[0]
  if (!first) return undefined
  const [service, own] = first
  const slow = times(own.filter((s) => s.kind === 'latency'))
  const failed = times(own.filter((s) => s.kind === 'errors' && !s.logged))
  const logged = times(own.filter((s) => s.kind === 'errors' && s.logged))
  const said = [slow > 0 && `was slow ${often(slow)}`, failed > 0 && `failed ${often(failed)}`, logged > 0 && `logged errors ${often(logged)}`]
  return { service, text: listed(said.filter((s) => s !== false)) }
}

// times counts spikes; those of several operations at one time are one.
function times(spikes: Spike[]): number {
  let [n, until] = [0, -Infinity]
  for (const s of spikes.toSorted((a, b) => ms(a.start) - ms(b.start))) {
    if (ms(s.start) >= until) n++
    until = Math.max(until, ms(s.end))
  }
  return n
}

function listed(parts: string[]): string {
  return parts.length < 3 ? parts.join(' and ') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function often(n: number): string {
  return n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`
}
