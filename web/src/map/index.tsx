// Map: who makes whom slow? Services and the calls between them, each against its usual.
import './map.css'
import { useEffect, useMemo } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { ServiceMap } from '../api/types.ts'
import { address, change, go, next } from '../frame/address.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { asked } from '../frame/range.ts'
import { deepest, fails } from '../overview/unusual.ts'
import { LastSeen } from '../parts/last-seen.tsx'
import { Card, Empty, Note, Part } from '../parts/part.tsx'
import { following } from '../parts/table.tsx'
import { plural } from '../words/numbers.ts'
import { Calls, columns } from './calls.tsx'
import { ChosenCall, ChosenService } from './chosen.tsx'
import { around, graphOf, stateOf, type Graph } from './graph.ts'
import { stepFrom, type Way } from './moves.ts'
import { Picture, placed, type Choice } from './picture.tsx'
import { boxOfCall, queryOfCall } from './questions.ts'

const bins = 60

/** choose puts what is chosen into the address. */
function choose({ node = '', edge }: Choice): void {
  change({ node, edge: edge ? edge.join(',') : '' }, 'replace')
}

export default function CallMap() {
  const { start, end } = asked()
  const params = { start, end, bins }
  const answer = useAnswer<ServiceMap>('api/v1/service-map', params, { live: true })
  useHand({ title: 'Map', ask: { path: 'api/v1/service-map', params } })
  const { edge = '', node = '', near = '', sort = 'unusual' } = address.value.params
  const map = answer.value
  const chosen = map?.edges.find((e) => `${e.client},${e.server}` === edge)
  const whole = useMemo(() => map && graphOf(map), [map])
  const graph = whole && near && node ? around(whole, node) : whole
  useMapKeys(graph, node, near !== '', chosen)
  useInView(edge)
  const says = headline(map, answer.problem !== undefined)
  const empty = (v: ServiceMap) => (v.edges.length === 0 ? <Empty>No service called another in this range. <LastSeen /></Empty> : undefined)
  return (
    <div class="view stack">
      <h1>{says}</h1>
      <div class="map-columns">
        <Card title="Who calls whom" about="width is rate; orange is slower than usual, red and dashed fails more than usual" class="map-card only-wide" aside={<Find graph={whole} />}>
          <Part answer={answer} lines={12} empty={empty}>
            {() =>
              graph && (
                <>
                  {graph.left > 0 && <Note>{plural(graph.left, 'more service')} as usual, in the table below.</Note>}
                  {near && node && <Note>The neighbours of {node} only; <kbd>o</kbd> shows all.</Note>}
                  <Picture graph={graph} choice={{ node, ...(chosen ? { edge: [chosen.client, chosen.server] } : {}) }} says={says} onChoose={choose} />
                </>
              )
            }
          </Part>
        </Card>
        <div class="stack map-beside">
          {chosen && <ChosenCall edge={chosen} />}
          {!chosen && node && map && <ChosenService service={node} map={map} near={near !== ''} />}
          {!chosen && !node && (
            <p class="map-hint only-wide quiet-text">
              Choose a service or a call. Arrows go along calls, <kbd>f</kbd> finds, <kbd>o</kbd> shows the neighbours only.
            </p>
          )}
        </div>
      </div>
      <Card title="Calls" about="caller, callee, and the worst stretch against usual" class="map-calls">
        <Part answer={answer} lines={8} empty={(v) => (v.edges.length === 0 ? <Empty>No call.</Empty> : undefined)}>
          {({ edges }) => <Calls edges={edges} sort={sort} chosen={edge} onSort={(id) => change({ sort: id }, 'replace')} onOpen={(e) => choose({ edge: [e.client, e.server] })} />}
        </Part>
      </Card>
    </div>
  )
}

function headline(map: ServiceMap | undefined, failed: boolean): string {
  if (!map) return failed ? 'The calls could not be read' : 'Reading …'
  if (map.edges.length === 0) return 'No calls in this range'
  const unusual = map.edges.filter((e) => stateOf(e) !== 'usual')
  const [first] = deepest(unusual)
  if (!first) return `${plural(map.edges.length, 'call')} between ${plural(map.nodes.length, 'service')}, all as usual`
  return `${unusual.length} of ${plural(map.edges.length, 'call')} are unusual; furthest down, ${first.client} → ${first.server} ${fails(first) ? 'fails' : 'is slow'}`
}

// A call that is chosen in the table is told above it: what is told comes into view.
function useInView(edge: string): void {
  useEffect(() => {
    if (edge) document.querySelector('.map-beside')?.scrollIntoView({ block: 'nearest' })
  }, [edge])
}

// Arrows go along calls, o shows the neighbours, Enter asks what slow calls have in common, Esc lets go.
function useMapKeys(graph: Graph | undefined, node: string, near: boolean, chosen: ServiceMap['edges'][number] | undefined): void {
  useEffect(() => {
    document.querySelector<SVGGElement>(`[data-place="${CSS.escape(node)}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [node])
  const move = (way: Way) => {
    if (!graph) return
    choose({ node: stepFrom(graph, placed(graph, 0), node || chosen?.server || '', way) })
  }
  useKeys([
    { key: 'ArrowRight', does: 'to the callee', run: () => move('ArrowRight') },
    { key: 'ArrowLeft', does: 'to the caller', run: () => move('ArrowLeft') },
    { key: 'ArrowUp', does: 'the service above', run: () => move('ArrowUp') },
    { key: 'ArrowDown', does: 'the service below', run: () => move('ArrowDown') },
    { key: 's', does: 'sort calls by the next column', run: () => change({ sort: following(columns, address.value.params.sort ?? 'unusual') }, 'replace') },
    { key: 'f', does: 'find a service', run: () => document.getElementById('map-find')?.focus() },
    ...(node ? [{ key: 'o', does: 'only its neighbours, or all', run: () => change({ near: near ? '' : '1' }, 'replace') }] : []),
    ...(chosen ? [{ key: 'Enter', does: 'what the slow calls have in common', run: () => go(next('metric', { query: queryOfCall(chosen), box: boxOfCall(chosen) })) }] : []),
    ...(node || chosen ? [{ key: 'Escape', does: 'nothing chosen', run: () => change({ node: '', edge: '', near: '' }, 'replace') }] : []),
  ])
}

// Find chooses the first service that has the text in its name.
function Find({ graph }: { graph: Graph | undefined }) {
  const find = (text: string) => {
    const found = text && graph?.places.find((p) => p.name.toLowerCase().includes(text.toLowerCase()))
    if (found) choose({ node: found.name })
  }
  return <input id="map-find" class="field" aria-label="Find a service" placeholder="f  find a service" onInput={(e) => find(e.currentTarget.value)} />
}
