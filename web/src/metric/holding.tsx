// Rings around the cells whose requests have a value: the one that is looked at, or that of the address.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { Params } from '../api/client.ts'
import type { Heatmap } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { shown } from '../parts/marks.tsx'
import { xOf, yOf, type Frame, type Grid } from './grid.ts'
import { alikeLit, formatLit, heldOf, holdingText, parseLit, type Held, type Lit } from './holding.ts'

/** pause is how long (ms) a value has to be looked at before its cells are asked for. */
const pause = 120

/** Holding is a heatmap with what of it has a value. */
export interface Holding {
  lit: Lit
  map: Heatmap
}

/** Looked is the value that is looked at and the one of the address, and how to change them. */
export interface Looked {
  /** of the address: its cells stay ringed */
  kept: Lit | undefined
  holding: Holding | undefined
  look: (lit: Lit | undefined) => void
}

/** useLooked asks which cells of a heatmap's question have the value that is looked at. */
export function useLooked(question: Params): Looked {
  const { params } = address.value
  const kept = parseLit(params.hi ?? '', params.hi_of ?? '')
  const [looked, look] = useState<Lit>()
  const [lit, setLit] = useState<Lit | undefined>(kept)
  const wanted = looked ?? kept
  useEffect(() => {
    const timer = setTimeout(() => setLit(wanted), wanted ? pause : 0)
    return () => clearTimeout(timer)
  }, [JSON.stringify(wanted)])
  const answer = useAnswer<Heatmap>(lit ? 'api/v1/heatmap' : null, lit ? { ...question, attr: formatLit(lit), attr_service: lit.service } : {})
  const map = answer.loading ? undefined : answer.value
  return { kept, look, holding: lit && map && alikeLit(lit, wanted) ? { lit, map } : undefined }
}

/** keep rings a value's cells until it is taken off: by choosing it again, or undefined. */
export function keep(lit: Lit | undefined): void {
  const { hi, hi_of } = address.value.params
  const off = !lit || alikeLit(lit, parseLit(hi ?? '', hi_of ?? ''))
  change({ hi: off ? '' : formatLit(lit), hi_of: off ? '' : lit.service }, 'replace')
}

interface RingedProps {
  holding: Holding
  grid: Grid
  frame: Frame
}

/** Ringed are the rings, thin where fewer than half of a cell's requests have the value. */
export function Ringed({ holding, grid, frame }: RingedProps) {
  const held = heldOf(holding.map)
  return (
    <g aria-hidden="true">
      <path class="heat-holding heat-holding-some" d={outlines(held.filter((h) => !h.most), grid, frame)} />
      <path class="heat-holding" d={outlines(held.filter((h) => h.most), grid, frame)} />
    </g>
  )
}

function outlines(held: Held[], grid: Grid, frame: Frame): string {
  return held
    .map((h) => {
      const [x0, x1] = [Math.round(xOf(grid, frame, h.t0)), Math.round(xOf(grid, frame, h.t1))]
      const [y0, y1] = [Math.round(yOf(grid, frame, h.high)), Math.round(yOf(grid, frame, h.low))]
      return x1 - x0 < 1 || y1 - y0 < 1 ? '' : `M${x0} ${y0}H${x1 - 1}V${y1 - 1}H${x0}z`
    })
    .join('')
}

/** RingedText says how many requests have the value. */
export function RingedText({ holding }: { holding: Holding }) {
  return (
    <span class="heat-held">
      <i class="heat-holding-mark" aria-hidden="true" /> {shown(holdingText(holding.map, holding.lit))}
    </span>
  )
}
