// The waterfall: a treegrid of which only the rows that are seen are in the document.
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { duration } from '../words/numbers.ts'
import { Row, rowId, type Drawn } from './row.tsx'
import { ticks, timeAt, x, type Scale } from './scale.ts'

/** most is how many rows are in the document at once, beyond is how many above and below what is seen where there is room. */
const [most, beyond] = [86, 10]
/** Rows are drawn anew once so many were scrolled by: until then they move as they are. */
const stride = 4

interface WaterfallProps {
  drawn: Omit<Drawn, 'scale'>
  /** the stretch of time that is seen */
  seen: [number, number]
  /** the row that has the focus, -1 for none */
  at: number
  /** of a row, in px */
  height: number
  box: RefObject<HTMLDivElement | null>
  onAt: (row: number) => void
  onToggle: (row: number) => void
  onZoomTo: (row: number) => void
  /** a stretch was dragged on the axis */
  onZoom: (zoom: [number, number]) => void
  /** the wheel was turned with Ctrl: out or in, around a time */
  onWheel: (factor: number, around: number) => void
}

/** rowsSeen is the first row that must be drawn, and the one after the last. */
export function rowsSeen(top: number, box: number, height: number, count: number): [number, number] {
  const fits = Math.ceil(box / height) + 1
  const more = Math.max(stride, Math.min(beyond, Math.floor((most - stride - fits) / 2)))
  const first = Math.max(0, Math.floor((Math.floor(top / height) - more) / stride) * stride)
  return [first, Math.min(count, Math.floor(top / height) + fits + more)]
}

export function Waterfall(props: WaterfallProps) {
  const { drawn, seen, at, height, box, onAt, onToggle, onZoomTo, onWheel } = props
  const { rows } = drawn
  const [first, last] = useWindow(box, height, rows.count)
  const slots = Math.max(0, last - first) // an element each: one whose row leaves the document takes one that comes, and its place
  const [width, axis] = useWidth()
  const [from, to] = seen
  const scale = useMemo(() => ({ from, to, width }), [from, to, width])
  const all = useMemo(() => ({ ...drawn, scale }), [drawn, scale])
  useWheel(box, scale, axis, onWheel)
  const rowOf = (event: Event) => {
    const row = event.target instanceof Element ? event.target.closest('[data-at]') : null
    return row ? Number(row.getAttribute('data-at')) : -1
  }
  const click = (event: MouseEvent) => {
    const row = rowOf(event)
    if (row < 0) return
    onAt(row)
    if (event.target instanceof Element && event.target.closest('[data-twisty]')) onToggle(row)
  }
  return (
    <div
      class="wf"
      role="treegrid"
      aria-label="Spans"
      aria-rowcount={rows.count + 1}
      aria-colcount={3}
      aria-activedescendant={at >= first && at < last ? rowId(at) : undefined}
      tabIndex={0}
      ref={box}
      onClick={click}
      onDblClick={(event) => onZoomTo(rowOf(event))}
    >
      <div role="row" class="wf-head" aria-rowindex={1}>
        <span role="columnheader" class="wf-name">
          <span class="heard">Span</span>
        </span>
        <div role="columnheader" class="wf-axis" ref={axis}>
          <span class="heard">Time</span>
          <Axis scale={scale} onZoom={props.onZoom} />
        </div>
        <span role="columnheader" class="wf-took">
          <span class="heard">Took</span>
        </span>
      </div>
      <div role="rowgroup" class="wf-all" style={{ height: `${rows.count * height}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * height}px)` }}>
          {width > 0 && Array.from({ length: slots }, (_, i) => <Row key={(first + i) % slots} row={first + i} focused={first + i === at} drawn={all} />)}
        </div>
      </div>
    </div>
  )
}

// useWindow is the rows to draw; they change with scrolling, once a frame, and by strides.
function useWindow(box: RefObject<HTMLDivElement | null>, height: number, count: number): [number, number] {
  const [[top, tall], look] = useState([0, 0])
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    let asked = 0
    let tallNow = element.clientHeight
    const measure = () => {
      asked = 0
      const topNow = Math.floor(element.scrollTop / (stride * height)) * stride * height
      look((old) => (old[0] === topNow && old[1] === tallNow ? old : [topNow, tallNow]))
    }
    const scrolled = () => (asked ||= requestAnimationFrame(measure))
    const watch = new ResizeObserver(([entry]) => {
      tallNow = entry?.contentRect.height ?? 0
      measure()
    })
    watch.observe(element)
    element.addEventListener('scroll', scrolled, { passive: true })
    return () => {
      cancelAnimationFrame(asked)
      watch.disconnect()
      element.removeEventListener('scroll', scrolled)
    }
  }, [height])
  return rowsSeen(top, tall, height, count)
}

function useWidth(): [number, RefObject<HTMLDivElement | null>] {
  const of = useRef<HTMLDivElement>(null)
  const [width, set] = useState(0)
  useLayoutEffect(() => {
    const element = of.current
    if (!element) return
    const watch = new ResizeObserver(([entry]) => set(Math.floor(entry?.contentRect.width ?? 0)))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  return [width, of]
}

// A passive listener could not keep the browser from zooming the page.
function useWheel(box: RefObject<HTMLDivElement | null>, scale: Scale, axis: RefObject<HTMLDivElement | null>, onWheel: WaterfallProps['onWheel']): void {
  const now = useRef({ scale, onWheel })
  now.current = { scale, onWheel }
  useEffect(() => {
    const element = box.current
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey || !axis.current) return
      event.preventDefault()
      const place = event.clientX - axis.current.getBoundingClientRect().left
      now.current.onWheel(event.deltaY > 0 ? 1.25 : 0.8, timeAt(now.current.scale, place))
    }
    element?.addEventListener('wheel', wheel, { passive: false })
    return () => element?.removeEventListener('wheel', wheel)
  }, [])
}

// Axis has the marks of time; a drag on it zooms.
function Axis({ scale, onZoom }: { scale: Scale; onZoom: (zoom: [number, number]) => void }) {
  const [drag, handlers] = useDrag(scale, onZoom)
  const marks = scale.width > 0 ? ticks(scale.from, scale.to, scale.width / 110) : []
  return (
    <svg class="wf-svg wf-drag" width={scale.width} height={24} aria-hidden="true" {...handlers}>
      <rect class="wf-catch" width={scale.width} height={24} />
      {marks.map((at) => (
        <g key={at}>
          <path class="wf-tick" d={`M${x(scale, at)} 19v5`} />
          <text class="wf-tick-text" x={x(scale, at)} y={15} text-anchor={x(scale, at) < 20 ? 'start' : x(scale, at) > scale.width - 24 ? 'end' : 'middle'}>
            {at === 0 ? '0' : duration(at).replace(/\.0+(?=\u2009)/, '')}
          </text>
        </g>
      ))}
      {drag && <rect class="wf-dragged" x={Math.min(...drag)} width={Math.abs(drag[1] - drag[0])} height={24} />}
    </svg>
  )
}

/** useDrag makes a stretch of time of a drag from side to side. */
export function useDrag(scale: Scale, onDone: (stretch: [number, number]) => void): [[number, number] | undefined, Record<string, (event: PointerEvent) => void>] {
  const [drag, set] = useState<[number, number] | undefined>(undefined)
  const place = (event: PointerEvent) => event.clientX - (event.currentTarget as Element).getBoundingClientRect().left
  return [
    drag,
    {
      onPointerDown: (event) => {
        if (event.button !== 0) return
        ;(event.currentTarget as Element).setPointerCapture(event.pointerId)
        set([place(event), place(event)])
      },
      onPointerMove: (event) => drag && set([drag[0], place(event)]),
      onPointerUp: () => {
        set(undefined)
        if (!drag || Math.abs(drag[1] - drag[0]) < 4) return
        const [a, b] = [timeAt(scale, Math.max(0, Math.min(...drag))), timeAt(scale, Math.min(scale.width, Math.max(...drag)))]
        onDone([a, b])
      },
      onPointerCancel: () => set(undefined),
    },
  ]
}
