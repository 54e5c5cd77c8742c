// The heatmap with its rate strip, its rings and the box that is drawn in it.
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { Heatmap } from '../api/types.ts'
import { theme } from '../frame/theme.ts'
import { count, duration, rate } from '../words/numbers.ts'
import { holds, inTime, type Box } from './box.ts'
import { high, latencyTicks, low, yOf, type Frame, type Grid } from './grid.ts'
import { Ringed, RingedText, type Holding } from './holding.tsx'
import { paint, rectOf, type Size } from './paint.ts'
import { Plot } from './plot.tsx'
import { Rings, RingTip } from './rings.tsx'
import { gridOf, levels, patchesOf, ringsOf, shadesOf, type Patch, type Shade } from './shade.ts'

const strip = 34

/** Picture is a heatmap with what is made of it once. */
export interface Picture {
  map: Heatmap
  grid: Grid
  shades: Shade[]
  patches: Patch[]
}

/** pictureOf makes what is drawn of a heatmap. */
export function pictureOf(map: Heatmap): Picture {
  const [grid, shades] = [gridOf(map), shadesOf(map)]
  return { map, grid, shades, patches: patchesOf(grid, shades) }
}

interface HeatProps {
  picture: Picture
  height: number
  query: string
  box: Box | undefined
  onBox: (box: Box | undefined) => void
  /** how many requests lie in the box of the address, where that is known better than by cells */
  known: number | undefined
  says: string
  /** what has the value that is looked at */
  holding: Holding | undefined
}

export function Heat({ picture, height, query, box, onBox, known, says, holding }: HeatProps) {
  const { map, grid, shades, patches } = picture
  const ring = useSignal<Shade | undefined>(undefined)
  const rings = useMemo(() => ringsOf(shades), [shades])
  const flag = (b: Box) => {
    const tally = tallyOf(picture, b)
    const inside = b === box && known !== undefined ? known : tally.inside
    return `${count(inside)} of ${count(Math.max(inside, tally.during))} requests`
  }
  return (
    <>
      <Plot
        grid={grid}
        height={height}
        strip={strip}
        box={box}
        onBox={onBox}
        first={() => patches[0]?.box}
        flag={flag}
        yTicks={(frame) => latencyTicks(low(grid), high(grid)).map((at) => ({ y: yOf(grid, frame, at), text: tickText(at) }))}
        under={(frame, size) => <Cells grid={grid} frame={frame} size={size} shades={shades} hatched={map.below > 0} says={says} />}
        over={(frame) => (
          <>
            <Strip map={map} grid={grid} frame={frame} />
            {holding && <Ringed holding={holding} grid={grid} frame={frame} />}
            <Rings rings={rings} grid={grid} frame={frame} box={box} onRing={(r) => (ring.value = r)} />
          </>
        )}
        tip={(frame) => ring.value && <RingTip key={ring.value.trace_id} cell={ring.value} grid={grid} frame={frame} query={query} />}
      />
      <Legend map={map} holding={holding} />
    </>
  )
}

/** tallyOf counts the requests whose cells lie in a box, and all in its time. */
export function tallyOf({ map, grid, shades }: Picture, box: Box): { inside: number; during: number } {
  const inside = shades.reduce((sum, cell) => sum + (holds(grid, box, cell) ? cell.requests : 0), 0)
  const during = map.totals.reduce((sum, total, column) => sum + (inTime(grid, box, column) ? total.requests : 0), 0)
  return { inside, during }
}

function tickText(seconds: number): string {
  const text = duration(seconds * 1e9)
  return text.replace(/(\d)\.0+(?=\D)/, '$1')
}

interface CellsProps {
  grid: Grid
  frame: Frame
  size: Size
  shades: Shade[]
  hatched: boolean
  says: string
}

function Cells({ grid, frame, size, shades, hatched, says }: CellsProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const shown = theme.value
  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, grid, frame, size, shades, hatched)
  }, [shades, frame.width, frame.height, frame.left, hatched, shown])
  return <canvas ref={canvas} class="heat-cells" role="img" aria-label={says} style={{ width: `${size.width}px`, height: `${size.height}px` }} />
}

// The rate strip: requests in each column, failed ones in red at its foot.
function Strip({ map, grid, frame }: { map: Heatmap; grid: Grid; frame: Frame }) {
  const most = Math.max(1, ...map.totals.map((t) => t.requests))
  const bars = (of: (total: Heatmap['totals'][number]) => number) =>
    map.totals
      .map((total, column) => {
        const n = of(total)
        if (n === 0) return ''
        const [x, , w] = rectOf(grid, frame, { column, row: 0 })
        const h = Math.max(1, (n / most) * strip)
        return `M${x} ${strip}v${-h.toFixed(1)}h${w}v${h.toFixed(1)}z`
      })
      .join('')
  return (
    <g class="heat-strip" aria-hidden="true">
      <text x={frame.left - 8} y={12} text-anchor="end">
        {rate(most / (map.step_ns / 1e9))}
      </text>
      <path class="heat-all" d={bars((t) => t.requests)} />
      <path class="heat-failed" d={bars((t) => t.failed)} />
    </g>
  )
}

function Legend({ map, holding }: { map: Heatmap; holding: Holding | undefined }) {
  const most = Math.max(0, ...map.cells.map((c) => c.requests))
  const swatches = (kind: string) => (
    <span class="heat-swatches" aria-hidden="true">
      {Array.from({ length: levels }, (_, i) => (
        <i key={i} class={`heat-${kind}-${i + 1}`} />
      ))}
    </span>
  )
  return (
    <p class="heat-legend">
      <span>
        requests a cell {swatches('count')} {most > 0 ? `1 to ${count(most)}` : 'none'}
      </span>
      <span>
        more than usual here {swatches('more')}
      </span>
      <span>
        <svg class="heat-ring" width="12" height="12" aria-hidden="true">
          <circle cx="6" cy="6" r="3.5" />
        </svg>{' '}
        a trace
      </span>
      {holding && <RingedText holding={holding} />}
      {map.below > 0 && <span>hatched: {count(map.below)} took less than {duration((map.edges[0] ?? 0) * 1e9)}</span>}
    </p>
  )
}

