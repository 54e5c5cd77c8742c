// Overview: what is unusual now, and where do I look?
import './overview.css'
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useAnswer, type Answer } from '../api/answer.ts'
import type { LogTemplates, LogVolume, ServiceMap, Spikes } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { useHand } from '../frame/hand.ts'
import { about, learnAbout, toldAbout } from '../frame/about.ts'
import { asked, range } from '../frame/range.ts'
import { LastSeen } from '../parts/last-seen.tsx'
import { Service, shown } from '../parts/marks.tsx'
import { lengthOf } from '../words/times.ts'
import { duration } from '../words/numbers.ts'
import { Start } from '../start/index.tsx'
import { Calls } from './calls.tsx'
import { FirstSeen } from './first-seen.tsx'
import { ServiceTable } from './services.tsx'
import { SpikeList } from './spike-list.tsx'
import { headlineOf, rowsOf, withBins } from './spikes.ts'
import { deepest, fails } from './unusual.ts'

/** most is how many spikes are asked for: whoever is at the head of a chain is not furthest from its usual, and must not be cut off. */
const most = 1000
/** bins is how many bins the courses of services and calls have. */
const bins = 60

export default function Overview() {
  const waiting = useSignal(false)
  // Which of the two it is, and from when there is data, is known a moment later: nothing is asked, or shown, in vain.
  if (!toldAbout.value) return <Reading />
  if (about.value?.oldest.seen === null) waiting.value = true
  // The first telemetry does not change the page by itself: the reader leaves the first start.
  return waiting.value ? <Start onOverview={() => void learnAbout().then(() => (waiting.value = false))} /> : <Unusual />
}

function Reading() {
  return (
    <div class="view overview" aria-busy="true">
      <div class="headline">
        <h1>Reading …</h1>
      </div>
    </div>
  )
}

function Unusual() {
  const { start, end } = asked()
  const spikes = useAnswer<Spikes>('api/v1/spikes', { start, end, limit: most, bins: 'newest' }, { live: true })
  const map = useAnswer<ServiceMap>('api/v1/service-map', { start, end, bins }, { live: true })
  const logs = useAnswer<LogVolume>('api/v1/logs/volume', { start, end, severity: 'warn', by: 'service,severity' }, { live: true })
  const templates = useAnswer<LogTemplates>('api/v1/log-templates', { start, end, severity: 'warn', first_seen: true, limit: 100 }, { live: true })
  useHand({ title: 'Overview', ask: { path: 'api/v1/spikes', params: { start, end } } })
  const edges = map.value?.edges ?? []
  const rows = rowsOf(withBins(spikes.value?.spikes ?? []), edges)
  return (
    <div class="view overview">
      <Headline rows={rows} map={map.value} spikes={spikes} />
      <SpikeList answer={spikes} rows={rows} />
      <div class="overview-columns">
        <div class="stack">
          <ServiceTable answer={map} logs={logs.value} />
          <Calls answer={map} />
        </div>
        <FirstSeen answer={templates} />
      </div>
    </div>
  )
}

interface HeadlineProps {
  rows: ReturnType<typeof rowsOf>
  map: ServiceMap | undefined
  spikes: Answer<Spikes>
}

function Headline({ rows, map, spikes: { value, problem } }: HeadlineProps) {
  const head = headlineOf(rows)
  if (head) return <Head says={`${shown(head.service)} ${head.text}`} beside={<Deepest map={map} />} />
  if (!value) return problem ? <Head says="The spikes could not be read" beside={<Deepest map={map} />} /> : <Head says="Reading …" />
  if (value.hint && map?.nodes.length === 0) return <Head says="Nothing came in this range" beside={<LastSeen />} />
  if (value.hint) return <Head says="Nothing to compare with yet" beside={value.hint} />
  return <Head says={`Nothing unusual in ${inRange()}`} beside={<Busiest map={map} />} />
}

function Head({ says, beside }: { says: string; beside?: ComponentChildren }) {
  return (
    <div class="headline">
      <h1>{says}</h1>
      <span class="quiet-text">{beside}</span>
    </div>
  )
}

// inRange is how the range is called: the last hour, or these 20 minutes of some day.
function inRange(): string {
  const { start, end, relative } = range.value
  return `${relative ? 'the last' : 'these'} ${lengthOf(end - start)}`
}

// The calls furthest down the chain that are unusual themselves: two at most.
function Deepest({ map }: { map: ServiceMap | undefined }) {
  const calls = deepest(map?.edges ?? []).slice(0, 2)
  if (calls.length === 0) return null
  return (
    <span class="overview-deepest">
      Furthest down:{' '}
      {calls.map((e, i) => (
        <a key={`${e.client} ${e.server}`} href={href('map', { edge: `${e.client},${e.server}` })}>
          <Service name={e.client} /> <span aria-label="to">→</span> <Service name={e.server} /> {fails(e) ? 'fails' : 'is slow'}
          {i < calls.length - 1 ? ',' : '.'}
        </a>
      ))}
    </span>
  )
}

function Busiest({ map }: { map: ServiceMap | undefined }) {
  const busiest = [...(map?.nodes ?? [])].sort((a, b) => b.calls - a.calls).slice(0, 2)
  return <>{busiest.map((n) => `${shown(n.service)}: p95 ${duration(n.latency.p95_ns)}`).join(', ')}</>
}
