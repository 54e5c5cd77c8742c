// A value of an attribute, and the cells of the heatmap whose requests have it. Pure functions.
import type { Heatmap } from '../api/types.ts'
import { count, plural } from '../words/numbers.ts'
import { cellSpan, type Box } from './box.ts'
import { gridOf } from './shade.ts'

/** Lit is a value whose cells are ringed. Its service is that of the resource that has it, empty for a span's own. */
export interface Lit {
  key: string
  value: string
  service: string
}

/** parseLit reads KEY=VALUE; it is undefined for what is none. */
export function parseLit(text: string, service: string): Lit | undefined {
  const cut = text.indexOf('=')
  return cut > 0 ? { key: text.slice(0, cut), value: text.slice(cut + 1), service } : undefined
}

/** formatLit writes a value as the API and the address have it. */
export function formatLit(lit: Lit): string {
  return `${lit.key}=${lit.value}`
}

/** alikeLit says whether two values are the same. */
export function alikeLit(a: Lit | undefined, b: Lit | undefined): boolean {
  return a?.key === b?.key && a?.value === b?.value && a?.service === b?.service
}

/** Held is where a cell lies that has requests with the value, and whether most of its requests have it. */
export interface Held extends Box {
  most: boolean
}

/** heldOf are the cells that have requests with the value. */
export function heldOf(map: Heatmap): Held[] {
  const grid = gridOf(map)
  return map.cells.filter((c) => (c.holding ?? 0) > 0).map((c) => ({ ...cellSpan(grid, c), most: 2 * (c.holding ?? 0) >= c.requests }))
}

/** holdingText says how many requests have a value. */
export function holdingText(map: Heatmap, lit: Lit): string {
  const all = map.totals.reduce((sum, t) => sum + t.requests, 0)
  const holding = map.cells.reduce((sum, c) => sum + (c.holding ?? 0), 0)
  const of = lit.service && ` of ${lit.service}`
  return `${count(holding)} of ${plural(all, 'request')} have ${lit.key} ${lit.value}${of}`
}
