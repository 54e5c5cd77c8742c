// Rings mark a trace in a cell; focus or hover tells of it, a click opens it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { MetricPivot } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { iso } from '../frame/range.ts'
import { bodyOf, Level, shown } from '../parts/marks.tsx'
import { duration } from '../words/numbers.ts'
import { clockTime } from '../words/times.ts'
import { saying } from '../words/saying.ts'
import { cellSpan, holds, type Box } from './box.ts'
import { xOf, yOf, type Frame, type Grid } from './grid.ts'
import type { Shade } from './shade.ts'

/** pause is how long (ms) a ring has to be looked at before its operation is asked for. */
const pause = 150

interface RingsProps {
  rings: Shade[]
  grid: Grid
  frame: Frame
  box: Box | undefined
  onRing: (ring: Shade | undefined) => void
}

export function Rings({ rings, grid, frame, box, onRing }: RingsProps) {
  const at = useSignal(0)
  const byTime = [...rings].sort((a, b) => a.column - b.column || a.row - b.row)
  const current = Math.min(at.value, byTime.length - 1)
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!by) return
    event.preventDefault()
    at.value = Math.max(0, Math.min(byTime.length - 1, current + by))
    const links = (event.currentTarget as SVGGElement).querySelectorAll<SVGAElement>('a')
    links[at.value]?.focus()
  }
  return (
    <g role="group" aria-label="Traces in the picture, arrows lead from one to the next" onKeyDown={step}>
      {byTime.map((ring, i) => {
        const [x, y] = placeOf(ring, grid, frame)
        const took = ring.value === undefined ? '' : ` that took ${duration(ring.value * 1e9)}`
        return (
          <a
            key={ring.trace_id}
            class={`heat-ring${box && !holds(grid, box, ring) ? ' heat-ring-out' : ''}`}
            href={href('trace', {}, ring.trace_id)}
            tabindex={i === current ? 0 : -1}
            aria-label={`trace${took}, ${clockTime(cellSpan(grid, ring).t0)}`}
            onFocus={() => ((at.value = i), onRing(ring))}
            onBlur={() => onRing(undefined)}
            onPointerEnter={() => onRing(ring)}
            onPointerLeave={() => onRing(undefined)}
          >
            <circle class="heat-ring-target" cx={x} cy={y} r={8} />
            <circle cx={x} cy={y} r={3.5} />
          </a>
        )
      })}
    </g>
  )
}

function placeOf(ring: Shade, grid: Grid, frame: Frame): [x: number, y: number] {
  const cell = cellSpan(grid, ring)
  return [xOf(grid, frame, (cell.t0 + cell.t1) / 2), yOf(grid, frame, ring.value ?? Math.sqrt(cell.low * cell.high))]
}

interface TipProps {
  cell: Shade
  grid: Grid
  frame: Frame
  query: string
}

/** RingTip says of a ring's trace: took, operation, worst log line. */
export function RingTip({ cell, grid, frame, query }: TipProps) {
  const looked = useSignal(false)
  useEffect(() => {
    const timer = setTimeout(() => (looked.value = true), pause)
    return () => clearTimeout(timer)
  }, [])
  const { t0, t1, low, high } = cellSpan(grid, cell)
  const params = { query, start: iso(t0), end: iso(t1), min: low, max: Number.isFinite(high) ? high : undefined, limit: 200 }
  const answer = useAnswer<MetricPivot>(looked.value ? 'api/v1/pivot/metric' : null, params)
  const [x, y] = placeOf(cell, grid, frame)
  const found = answer.value?.exemplars.find((e) => e.trace_id === cell.trace_id)
  const place = { left: `${Math.max(0, Math.min(x + 10, frame.left + frame.width - 260))}px`, top: `${y + 10}px` }
  return (
    <div class="heat-tip" role="tooltip" style={place}>
      <div>
        <strong>{cell.value === undefined ? 'a trace' : `took ${duration(cell.value * 1e9)}`}</strong> <span class="mono">{found && shown(found.series.span_name ?? found.trace.root_name)}</span>
      </div>
      {found?.worst_log && (
        <div class="cut">
          <Level severity={found.worst_log.severity} /> <span class="mono">{shown(saying(bodyOf(found.worst_log.body)))}</span>
        </div>
      )}
    </div>
  )
}
