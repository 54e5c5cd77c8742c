// The histogram: lines over time, errors red, warnings orange, all else grey. Dragging, or arrows
// and Enter, make a stretch of it the range.
import { useEffect, useRef, useState } from 'preact/hooks'
import { change } from '../frame/address.ts'
import { useKeys } from '../frame/keys.ts'
import { iso } from '../frame/range.ts'
import { TableOf } from '../parts/table.tsx'
import { count, plural } from '../words/numbers.ts'
import { clockTime } from '../words/times.ts'
import type { Column } from './counts.ts'

const height = 56
/** wide is the width of the picture's own units: columns share it. */
const wide = 1200

interface HistogramProps {
  columns: Column[]
  step: number
  end: number
}

const all = (c: Column) => c.error + c.warn + c.other

export function Histogram({ columns, step, end }: HistogramProps) {
  const [asTable, setAsTable] = useState(false)
  const picked = usePicking(columns, step, end)
  useKeys([{ key: 'T', does: 'the histogram as a table, or as a picture', run: () => setAsTable(!asTable) }])
  const most = Math.max(...columns.map(all), 1)
  const first = columns[0]?.at ?? 0
  return (
    <div class="histogram">
      {asTable ? (
        <HistogramTable columns={columns} />
      ) : (
        <>
          <div {...picked.on} class="histogram-bars" tabIndex={0} role="group" aria-label={`${says(columns)} Arrows choose a stretch, Enter makes it the range.`}>
            <svg viewBox={`0 0 ${wide} ${height}`} preserveAspectRatio="none" aria-hidden="true">
              <path class="bars-other" d={stack(columns, most, (c) => [c.error + c.warn, 0], (c) => c.other, true)} />
              <path class="bars-warn" d={stack(columns, most, (c) => [0, c.other], (c) => c.warn)} />
              <path class="bars-error" d={stack(columns, most, (c) => [0, c.other + c.warn], (c) => c.error)} />
              {picked.from >= 0 && <rect class="bars-picked" x={(picked.from * wide) / columns.length} y="0" width={((picked.to - picked.from + 1) * wide) / columns.length} height={height} />}
            </svg>
          </div>
          <div class="histogram-axis" aria-hidden="true">
            {[0, 1, 2, 3, 4, 5].map((i) => (
              <span key={i} class={i % 2 ? 'only-wide' : ''}>
                {clockTime(first + ((end - first) * i) / 6)}
              </span>
            ))}
          </div>
          <p class="histogram-said" role="status">
            {picked.says}
          </p>
        </>
      )}
      <button type="button" class="button quiet histogram-turn" onClick={() => setAsTable(!asTable)}>
        {asTable ? 'As a picture' : 'As a table'} <kbd class="only-wide">T</kbd>
      </button>
    </div>
  )
}

// stack draws a level of the bars: what lies below it, and how high it is itself.
function stack(columns: Column[], most: number, below: (c: Column) => [number, number], own: (c: Column) => number, bottom = false): string {
  const step = wide / Math.max(1, columns.length)
  const gap = step > 4 ? 1 : 0
  return columns
    .map((c, i) => {
      const n = own(c)
      if (n === 0) return ''
      const base = bottom ? 0 : below(c)[1]
      const [y, h] = [height - (base / most) * height, Math.max(1, (n / most) * height)]
      return `M${(i * step).toFixed(1)} ${y.toFixed(1)}v${(-h).toFixed(1)}h${(step - gap).toFixed(1)}v${h.toFixed(1)}z`
    })
    .join('')
}

function says(columns: Column[]): string {
  const sum = (of: (c: Column) => number) => columns.reduce((n, c) => n + of(c), 0)
  const top = columns.reduce<Column | undefined>((a, c) => (a && all(a) >= all(c) ? a : c), undefined)
  if (!top || all(top) === 0) return 'No lines over this time.'
  return `${plural(sum(all), 'line')} over time, ${plural(sum((c) => c.error), 'error')}, ${plural(sum((c) => c.warn), 'warning')}; most at ${clockTime(top.at)}, ${count(all(top))}.`
}

function HistogramTable({ columns }: { columns: Column[] }) {
  return (
    <div class="histogram-table">
      <TableOf
        name="Lines over time"
        rows={columns.filter((c) => all(c) > 0)}
        keyOf={(c) => String(c.at)}
        columns={[
          { id: 'at', head: 'from', cell: (c) => clockTime(c.at) },
          { id: 'error', head: 'errors', cell: (c) => count(c.error), number: true },
          { id: 'warn', head: 'warnings', cell: (c) => count(c.warn), number: true },
          { id: 'other', head: 'others', cell: (c) => count(c.other), number: true },
        ]}
      />
    </div>
  )
}

// Picking a stretch: by dragging, by clicking one column, or by keys.
function usePicking(columns: Column[], step: number, end: number) {
  const [[anchor, at], pick] = useState([-1, -1])
  const dragged = useRef(false)
  useEffect(() => pick([-1, -1]), [columns[0]?.at, columns.length])
  const [from, to] = [Math.min(anchor, at), Math.max(anchor, at)]
  const take = (a: number, b: number) => {
    const [first, last] = [columns[Math.min(a, b)], columns[Math.max(a, b)]]
    if (first && last) change({ from: iso(first.at), to: iso(Math.min(end, last.at + step)), tail: '' })
  }
  const columnAt = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return Math.max(0, Math.min(columns.length - 1, Math.floor(((event.clientX - box.left) / box.width) * columns.length)))
  }
  const on = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || columns.length === 0) return
      ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
      dragged.current = true
      const column = columnAt(event)
      pick([column, column])
    },
    onPointerMove: (event: PointerEvent) => {
      if (dragged.current) pick([anchor, columnAt(event)])
    },
    onPointerUp: (event: PointerEvent) => {
      if (!dragged.current) return
      dragged.current = false
      take(anchor, columnAt(event))
    },
    onPointerCancel: () => {
      dragged.current = false
      pick([-1, -1])
    },
    onKeyDown: (event: KeyboardEvent) => {
      const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
      if (by !== 0) {
        const next = Math.max(0, Math.min(columns.length - 1, at < 0 ? (by > 0 ? 0 : columns.length - 1) : at + by))
        pick([event.shiftKey && anchor >= 0 ? anchor : next, next])
      } else if (event.key === 'Enter' && from >= 0) take(from, to)
      else if (event.key === 'Escape' && from >= 0) pick([-1, -1])
      else return
      event.preventDefault()
      event.stopPropagation()
    },
  }
  const [first, last] = [columns[from], columns[to]]
  const n = columns.slice(from, to + 1).reduce((sum, c) => sum + all(c), 0)
  return { from: from < 0 ? -1 : from, to, on, says: first && last && from >= 0 ? `${clockTime(first.at)} – ${clockTime(last.at + step)}: ${plural(n, 'line')}` : '' }
}
