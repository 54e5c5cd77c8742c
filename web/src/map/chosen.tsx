// What is chosen on the map: its numbers, its course, and the ways on.
import type { ComponentChildren } from 'preact'
import type { Edge, Node, ServiceMap } from '../api/types.ts'
import { change, href } from '../frame/address.ts'
import { metricOfService } from '../frame/find.ts'
import { fails, p95Bars, worst } from '../overview/unusual.ts'
import { Service } from '../parts/marks.tsx'
import { Card } from '../parts/part.tsx'
import { Spark } from '../parts/spark.tsx'
import { duration, rate, share } from '../words/numbers.ts'
import { clockTime, ms } from '../words/times.ts'
import { boxOfCall, queryOfCall } from './questions.ts'

/** ChosenCall is a call of one service to another. */
export function ChosenCall({ edge }: { edge: Edge }) {
  const query = queryOfCall(edge)
  const box = boxOfCall(edge)
  return (
    <section class="card" aria-label={`${edge.client} → ${edge.server}`}>
      <header>
        <h2 class="map-title">
          <Service name={edge.client} /> <span aria-label="to">→</span> <Service name={edge.server} />
        </h2>
      </header>
      <Numbers of={edge} name={`calls from ${edge.client} to ${edge.server}`} />
      <Ways>
        {box && <a href={href('metric', { query, box })}>What the {fails(edge) ? 'failed' : 'slow'} calls have in common</a>}
        <a href={href('metric', { query })}>Traces through this call</a>
        <button type="button" onClick={() => change({ node: edge.server, edge: '', near: '1' })}>
          Only the neighbours of {edge.server}
        </button>
      </Ways>
    </section>
  )
}

/** ChosenService is a service, who calls it and whom it calls. */
export function ChosenService({ service, map, near }: { service: string; map: ServiceMap; near: boolean }) {
  const node = map.nodes.find((n) => n.service === service)
  const callers = map.edges.filter((e) => e.server === service).map((e) => e.client)
  const callees = map.edges.filter((e) => e.client === service).map((e) => e.server)
  return (
    <Card title={service} about={node ? undefined : callers.length + callees.length > 0 ? 'sends no spans of its own' : 'called nobody, and nobody called it, in this range'}>
      {node && <Numbers of={node} name={`requests to ${service}`} />}
      <div class="map-chosen">
        <Names title="Called by" names={callers} />
        <Names title="Calls" names={callees} />
      </div>
      <Ways>
        {node && <a href={href('metric', { query: metricOfService(service) })}>Its requests</a>}
        {node && <a href={href('logs', { services: service })}>Its log lines</a>}
        <button type="button" onClick={() => change({ near: near ? '' : '1' })}>
          {near ? 'The whole map' : `Only the neighbours of ${service}`}
        </button>
      </Ways>
    </Card>
  )
}

function Numbers({ of, name }: { of: Edge | Node; name: string }) {
  const bars = p95Bars(of.bins, of.usual?.p95_ns)
  const starts = (of.bins ?? []).map((b) => ms(b.start))
  const slow = bars.some((b) => b.kind === 'unusual')
  return (
    <>
      <dl class="map-numbers">
        <div>
          <dt>calls</dt>
          <dd>{rate(of.rate)}</dd>
        </div>
        <div>
          <dt>worst p95</dt>
          <dd class={slow ? 'unusual' : ''}>{duration(worst(of).p95 || of.latency.p95_ns)}</dd>
        </div>
        <div>
          <dt>failed</dt>
          <dd class={fails(of) ? 'failed' : ''}>{share(of.error_rate)}</dd>
        </div>
      </dl>
      {bars.length > 0 && (
        <figure class="map-course">
          <Spark bars={bars} width={320} height={52} says={`p95 of ${name} over time`} />
          <figcaption>
            <span>{clockTime(starts[0] ?? 0)}</span>
            <span>p95{of.usual ? `, usually ${duration(of.usual.p95_ns)}` : ', no usual yet'}</span>
            <span>{clockTime(starts[starts.length - 1] ?? 0)}</span>
          </figcaption>
        </figure>
      )}
    </>
  )
}

function Ways({ children }: { children: ComponentChildren }) {
  return (
    <ul class="map-ways">
      {[children].flat().map((way, i) => way && <li key={i}>{way}</li>)}
    </ul>
  )
}

function Names({ title, names }: { title: string; names: string[] }) {
  return (
    <p>
      <span class="quiet-text">{title}: </span>
      {names.length === 0
        ? 'nobody'
        : [...new Set(names)].map((n) => (
            <button key={n} type="button" class="button" onClick={() => change({ node: n, edge: '' })}>
              <Service name={n} />
            </button>
          ))}
    </p>
  )
}
