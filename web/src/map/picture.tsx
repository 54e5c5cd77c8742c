// The drawing of the map: services in layers from left to right, and the calls between them.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { shown } from '../parts/marks.tsx'
import { duration, rate, share } from '../words/numbers.ts'
import { markOf, shortened } from '../words/services.ts'
import type { Call, Graph, Place } from './graph.ts'
import { degree, worst } from '../overview/unusual.ts'
import { box, flagHeight, flagsAt, layoutOf, lineOf, type Layout } from './layout.ts'

/** mostFlags is how many calls say in words what is unusual about them. */
const mostFlags = 12
/** narrow is how wide callers from outside are drawn. */
const narrow = 72

/** Choice is what is chosen: a service, or a call. */
export interface Choice {
  node?: string
  edge?: [client: string, server: string]
}

interface PictureProps {
  graph: Graph
  choice: Choice
  says: string
  onChoose: (choice: Choice) => void
}

export function Picture({ graph, choice, says, onChoose }: PictureProps) {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const layout = placed(graph, width)
  const short = shortened(graph.places.filter((p) => p.kind === 'service').map((p) => p.name))
  const flagged = graph.calls.filter((c) => c.state !== 'usual').toSorted((a, b) => degree(b.edge) - degree(a.edge)).slice(0, mostFlags)
  return (
    <div class="map-frame" ref={frame} role="region" tabIndex={0} aria-label="The map">
      {width > 0 && (
        <svg class="map-picture" role="group" aria-label={says} width={layout.width} height={layout.height}>
          {graph.calls.map((c) => (
            <Curve key={`${c.client} ${c.server}`} call={c} layout={layout} chosen={choice.edge?.[0] === c.client && choice.edge[1] === c.server} onChoose={onChoose} />
          ))}
          {graph.places.map((p) => (
            <Station key={p.name} place={p} short={short.get(p.name) ?? p.name} layout={layout} chosen={choice.node === p.name} onChoose={onChoose} />
          ))}
          <Flags calls={flagged} layout={layout} />
        </svg>
      )}
    </div>
  )
}

/** placed is where a graph is drawn in a picture of this width. */
export function placed({ places, calls }: Graph, width: number): Layout {
  const outside = new Set(places.filter((p) => p.rate === 0).map((p) => p.name))
  return layoutOf(places.map((p) => p.name), calls, width, (name) => (outside.has(name) ? narrow : box.width))
}

function useWidth(frame: { current: HTMLDivElement | null }): number {
  const [width, set] = useState(0)
  useLayoutEffect(() => {
    const element = frame.current
    if (!element) return
    const watch = new ResizeObserver(() => set(Math.floor(element.clientWidth)))
    watch.observe(element)
    set(Math.floor(element.clientWidth))
    return () => watch.disconnect()
  }, [])
  return width
}

interface OfLayout {
  layout: Layout
  chosen: boolean
  onChoose: (choice: Choice) => void
}

// thick is how thick a call is drawn: each doubling of its rate is seen.
function thick(perSecond: number): number {
  return Math.min(8, Math.max(1.5, 2.5 + Math.log2(Math.max(perSecond, 0.01)) * 0.8))
}

/** textOf is what stands on an unusual call. */
export function textOf({ edge, state }: Call): string {
  if (state === 'failing') return `${share(edge.error_rate)} failed`
  return state === 'slow' ? `p95 ${duration(worst(edge).p95 || edge.latency.p95_ns)}` : ''
}

function Curve({ call, layout, chosen, onChoose }: OfLayout & { call: Call }) {
  const [from, to] = [layout.spots.get(call.client), layout.spots.get(call.server)]
  if (!from || !to) return null
  const { path, head } = lineOf(from, to)
  return (
    <g class={`map-call map-${call.state}${chosen ? ' chosen' : ''}`} onClick={() => onChoose({ edge: [call.client, call.server] })}>
      <title>{shown(`${call.client} → ${call.server}, ${rate(call.edge.rate)}`)}</title>
      <path class="map-target" d={path} />
      <path class="map-line" d={path} stroke-width={thick(call.edge.rate)} />
      <path class="map-head" d={head} />
    </g>
  )
}

// Flags say what is unusual about calls. One that would cover a box or another is left out: a service's frame and the table tell it, too.
function Flags({ calls, layout: { spots } }: { calls: Call[]; layout: Layout }) {
  const flags = calls.flatMap((call) => {
    const [from, to, text] = [spots.get(call.client), spots.get(call.server), textOf(call)]
    return from && to && text ? [{ call, text, line: lineOf(from, to), width: text.length * 6.4 + 12 }] : []
  })
  const places = flagsAt(spots.values(), flags)
  return (
    <>
      {flags.map(({ call, text, width }, i) => {
        const place = places[i]
        if (!place) return null
        const [x, y] = place
        return (
          <g key={`${call.client} ${call.server}`} class={`map-flag map-${call.state}`} aria-hidden="true">
            <rect x={x - width / 2} y={y - flagHeight / 2} width={width} height={flagHeight} rx={3} />
            <text x={x} y={y + 4} text-anchor="middle">
              {text}
            </text>
          </g>
        )
      })}
    </>
  )
}

const states = { usual: 'as usual', slow: 'slower than usual', failing: 'fails more than usual' }

function Station({ place, short, layout, chosen, onChoose }: OfLayout & { place: Place; short: string }) {
  const spot = layout.spots.get(place.name)
  if (!spot) return null
  const [left, top] = [spot.x - spot.width / 2, spot.y - box.height / 2]
  const { letters, hue } = markOf(place.name)
  const outside = place.kind === 'outside'
  const numbers = place.rate > 0 ? ` ${rate(place.rate)} p95 ${duration(place.p95)}` : ', from outside'
  const choose = () => onChoose({ node: place.name })
  return (
    <g
      class={`map-place map-${place.state} map-${place.kind}${chosen ? ' chosen' : ''}`}
      role="button"
      // Preact passes names of attributes on to SVG as they are
      tabindex={0}
      data-place={place.name}
      aria-pressed={chosen}
      onClick={choose}
      onKeyDown={(e) => {
        if (e.key !== 'Enter' && e.key !== ' ') return
        e.preventDefault()
        e.stopPropagation()
        choose()
      }}
    >
      <title>{shown(`${place.name}${numbers}, ${states[place.state]}`)}</title>
      <rect class="map-box" x={left} y={top} width={spot.width} height={box.height} rx={place.kind === 'store' ? box.height / 2 : 6} />
      {!outside && <rect class={`map-mark hue-${hue < 0 ? 'none' : hue}`} x={left + 12} y={top + 9} width={22} height={15} rx={3} />}
      {!outside && (
        <text class="map-letters" aria-hidden="true" x={left + 23} y={top + 20.5} text-anchor="middle">
          {letters}
        </text>
      )}
      <text class="map-name" x={outside ? spot.x : left + 40} y={place.rate > 0 ? top + 21 : spot.y + 4} text-anchor={outside ? 'middle' : 'start'}>
        {cut(short, place.rate === 0 ? 8 : outside ? 16 : 12)}
      </text>
      {place.rate > 0 && (
        <>
          <text class="map-number" x={left + 12} y={top + 41}>
            {rate(place.rate)}
          </text>
          <text class="map-number" x={left + box.width - 12} y={top + 41} text-anchor="end">
            p95 {duration(place.p95)}
          </text>
        </>
      )}
    </g>
  )
}

// cut leaves room for so many letters; the whole name stands in the title.
function cut(name: string, most: number): string {
  const text = shown(name)
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
