// How a heatmap's cells are coloured: lightness says how many, hue says how unusual.
import type { Cell as Counted, Heatmap } from '../api/types.ts'
import { hull, cellSpan, type Box } from './box.ts'
import type { Grid } from './grid.ts'

/** levels is how many steps of lightness there are (style/tokens.css). */
export const levels = 6
/** rarest is the chance below which a cell with its neighbours is no accident. */
const rarest = 1e-5
/** mostRings is how many traces are marked. */
const mostRings = 40
/** Shade is a cell with its colour. */
export interface Shade extends Counted {
  level: number
  unusual: boolean
}

/** gridOf is the grid of a heatmap. */
export function gridOf(map: Heatmap): Grid {
  return { start: Date.parse(map.start), step: map.step_ns / 1e6, columns: map.columns, edges: map.edges }
}

/** shadesOf colours the cells. */
export function shadesOf(map: Heatmap): Shade[] {
  const most = Math.max(1, ...map.cells.map((c) => c.requests))
  const at = new Map(map.cells.map((c) => [place(c.column, c.row), c.requests]))
  return map.cells.map((cell) => ({ ...cell, level: levelOf(cell.requests, most), unusual: isUnusual(map, at, cell) }))
}

const place = (column: number, row: number) => column * 1000 + row

/** levelOf is a step of lightness, from 1 to levels, on a logarithmic scale. */
export function levelOf(n: number, most: number): number {
  return most <= 1 ? 1 : 1 + Math.round((levels - 1) * (Math.log(n) / Math.log(most)))
}

// A cell is unusual where it and its eight neighbours together hold more than is usual for their
// rows, and it holds more than twice its own usual. Alone, a thin spike would be speckled.
function isUnusual(map: Heatmap, at: Map<number, number>, cell: Counted): boolean {
  if (cell.requests <= 2 * cell.usual) return false
  let [found, usual] = [0, 0]
  for (let column = Math.max(0, cell.column - 1); column <= Math.min(map.columns - 1, cell.column + 1); column++) {
    for (let row = Math.max(0, cell.row - 1); row <= Math.min(map.usual.length - 1, cell.row + 1); row++) {
      found += at.get(place(column, row)) ?? 0
      usual += map.usual[row] ?? 0
    }
  }
  return atLeast(found, usual) < rarest
}

/** atLeast is the chance of n events or more where mean are usual (Poisson). */
export function atLeast(n: number, mean: number): number {
  if (n <= mean) return 1
  let term = Math.exp(-mean + n * Math.log(mean) - logFactorial(n))
  let sum = 0
  for (let k = n; term > sum * 1e-12; k++) {
    sum += term
    term *= mean / (k + 1)
  }
  return Math.min(1, sum)
}

function logFactorial(n: number): number {
  let sum = 0
  if (n < 30) {
    for (let k = 2; k <= n; k++) sum += Math.log(k)
    return sum
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) // Stirling
}

/** ringsOf are the cells whose trace is marked: unusual ones first, then the slowest. */
export function ringsOf(shades: Shade[]): Shade[] {
  return shades
    .filter((c) => c.trace_id)
    .sort((a, b) => Number(b.unusual) - Number(a.unusual) || b.row - a.row || a.column - b.column)
    .slice(0, mostRings)
}

/** Patch is a place where cells that touch are unusual. */
export interface Patch {
  box: Box
  requests: number
  /** about what they took together, in seconds */
  weight: number
}

/** patchesOf are the places that stand out, those first that took most time. */
export function patchesOf(g: Grid, shades: Shade[]): Patch[] {
  const left = new Set(shades.filter((c) => c.unusual))
  const patches: Patch[] = []
  for (const first of left) {
    left.delete(first)
    const queue = [first]
    const patch: Patch = { box: cellSpan(g, first), requests: 0, weight: 0 }
    for (let cell = queue.pop(); cell; cell = queue.pop()) {
      patch.requests += cell.requests
      patch.weight += cell.requests * (g.edges[cell.row + 1] ?? 0)
      patch.box = hull(g, patch.box, cellSpan(g, cell))
      for (const other of left) {
        if (Math.abs(other.column - cell.column) > 1 || Math.abs(other.row - cell.row) > 1) continue
        left.delete(other)
        queue.push(other)
      }
    }
    patches.push(patch)
  }
  return patches.sort((a, b) => b.weight - a.weight)
}

