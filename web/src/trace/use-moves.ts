// Moving through the waterfall: by keys, clicks and buttons. What is chosen goes into the address.
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { change, go, next } from '../frame/address.ts'
import { useKeys } from '../frame/keys.ts'
import { say } from '../frame/say.ts'
import type { Fold } from './fold.ts'
import { end, type Line, type Trace } from './model.ts'
import { after, before, failedSpans, slowParts } from './path.ts'
import { Kind, layout, parentRow, reveal, rowOf, spanAt, type Rows, type View } from './rows.ts'
import { zoomed } from './scale.ts'
import { openOf, zoomText, type Choice } from './state.ts'
import { findField, turn } from './tools.tsx'

interface MovesOf {
  t: Trace
  view: View
  rows: Rows
  choice: Choice
  box: RefObject<HTMLDivElement | null>
  height: number
  matches: Uint8Array | undefined
}

/** Moves is what one can do. */
export interface Moves {
  /** the row with the focus, -1 for none */
  at: number
  /** the number of the match with the focus, from 1; 0 for none */
  match: number
  select: (row: number) => void
  /** opens or closes what a row stands for */
  toggle: (row: number) => void
  /** shows a span, whatever hides it */
  to: (span: number) => void
  nextFailed: () => void
  nextSlow: () => void
  nextMatch: () => void
  previousMatch: () => void
  zoom: (stretch: [number, number]) => void
  zoomTo: (row: number) => void
  zoomBy: (factor: number, around?: number) => void
  zoomOut: () => void
}

/** headHeight is that of the axis, which stays above the rows (px). */
const headHeight = 24
/** Rows that are higher than lowHeight (px) are a phone's, on which the tabs cover the last tabsHeight of the window. */
const [lowHeight, tabsHeight] = [30, 52]

// Key names what a row shows, also when rows above it come and go.
type Key = string

function keyOf(rows: Rows, row: number): Key {
  const [kind, ref] = [rows.kind[row] as number, rows.ref[row] as number]
  return kind === Kind.fold ? `f${(rows.folds[ref] as Fold).id}` : `${kind}.${ref}`
}

function rowWith(t: Trace, rows: Rows, key: Key): number {
  if (key === '') return -1
  const [kind, ref] = key.split('.').map(Number)
  if (kind === Kind.span && ref !== undefined) return rowOf(t, rows, ref)
  for (let row = 0; row < rows.count; row++) if (keyOf(rows, row) === key) return row
  return -1
}

export function useMoves(of: MovesOf): Moves {
  const { t, view, rows, choice } = of
  const named = choice.span ? t.spanIds.indexOf(choice.span) : -1
  const [key, setKey] = useState<Key>(named >= 0 ? `${Kind.span}.${named}` : '')
  const at = rowWith(t, rows, key)
  const still = useStill(at, of)
  const places = of.matches ? placesIn(of.matches) : []
  const span = at >= 0 ? spanAt(t, rows, at) : -1

  const select = (row: number) => {
    if (row < 0 || row >= rows.count) return
    setKey(keyOf(rows, row))
    still.show(row)
    const chosen = spanAt(t, rows, row)
    if (chosen >= 0) change({ span: t.spanIds[chosen] as string }, 'replace')
  }
  const to = (target: number) => {
    const shown = reveal(t, view, target)
    const row = rowOf(t, layout(t, shown), target)
    if (row < 0) return
    setKey(`${Kind.span}.${target}`)
    still.show(row)
    change({ span: t.spanIds[target] as string, ...(shown !== view && { open: openOf(shown) }) }, 'replace')
  }
  const lead = (all: number[], step: typeof after, what: string) => {
    const reachable = view.keep ? all.filter((p) => view.keep?.[p] === 1) : all
    const target = step(reachable, span)
    if (target === undefined) return say(`no ${what} here`)
    to(target)
    say(`${what} ${reachable.indexOf(target) + 1} of ${reachable.length}`)
  }
  const toggle = (row: number) => {
    const changed = toggled(t, rows, view, row)
    if (!changed) return
    still.keep()
    setKey(rows.kind[row] === Kind.more ? `${Kind.span}.${rows.ref[row]}` : keyOf(rows, row))
    change({ open: openOf(changed) }, 'replace')
  }
  const seen: [number, number] = choice.zoom ?? [t.from, t.to]
  const zoom = (stretch: [number, number] | undefined) => change({ zoom: zoomText(stretch) }, 'replace')
  const zoomBy = (factor: number, around = (seen[0] + seen[1]) / 2) => zoom(zoomed(seen, factor, around, [t.from, t.to]))
  const zoomTo = (row: number) => {
    const target = row >= 0 ? spanAt(t, rows, row) : -1
    if (target >= 0) zoom(zoomed([t.begin[target] as number, end(t, target)], 1.1, ((t.begin[target] as number) + end(t, target)) / 2, [t.from, t.to]))
  }
  const moves: Moves = {
    at, match: places.indexOf(span) + 1, select, toggle, to, zoom, zoomBy, zoomTo,
    nextFailed: () => lead(failedSpans(t), after, 'failed'),
    nextSlow: () => lead(slowParts(t), after, 'slow part'),
    nextMatch: () => lead(places, after, 'match'),
    previousMatch: () => lead(places, before, 'match'),
    zoomOut: () => zoom(undefined),
  }
  useEffect(() => {
    // Whoever is sent to a span sees it; one that was chosen as its fold stays that.
    if (named >= 0 && rows.kind[at] === Kind.fold && span !== named) to(named)
  }, [])
  useTraceKeys(of, moves, span)
  return moves
}

function placesIn(mask: Uint8Array): number[] {
  return [...mask.keys()].filter((i) => mask[i] === 1)
}

// toggled is a view with what a row stands for opened or closed; undefined where there is nothing to open.
function toggled(t: Trace, rows: Rows, view: View, row: number): View | undefined {
  const ref = rows.ref[row] as number
  const turned = (set: ReadonlySet<string>, id: string) => (set.has(id) ? new Set([...set].filter((s) => s !== id)) : new Set([...set, id]))
  switch (rows.kind[row]) {
    case Kind.fold:
      return { ...view, open: turned(view.open, (rows.folds[ref] as Fold).id) }
    case Kind.more:
      return { ...view, all: turned(view.all, t.spanIds[ref] as string) }
    case Kind.span:
      return (t.after[ref] as number) > ref + 1 ? { ...view, shut: turned(view.shut, t.spanIds[ref] as string) } : undefined
  }
  return undefined
}

// bringIntoView scrolls to a row that is not seen: within the waterfall, as its lower end may lie below the window's, and the page
// where that is not enough. A row from far away gets others above it.
function bringIntoView(box: HTMLElement, row: number, height: number): void {
  const top = box.getBoundingClientRect().top + box.clientTop
  const below = window.innerHeight - top - (height > lowHeight ? tabsHeight : 0) // what of the box is above the window's lower edge
  const inWindow = below > headHeight + 3 * height // on a phone the waterfall may begin below the window: then the page stays where it is
  const seen = (inWindow ? Math.min(box.clientHeight, below) : box.clientHeight) - headHeight
  const over = row * height - box.scrollTop
  const far = over < -3 * height || over > seen + 3 * height
  if (far) box.scrollTop = row * height - seen / 3
  else if (over < 0) box.scrollTop = row * height
  else if (over + height > seen) box.scrollTop = (row + 1) * height - seen
  const left = (row + 1) * height - box.scrollTop - seen
  if (inWindow && left > 0) window.scrollBy(0, left)
  else if (top < 0) window.scrollBy(0, Math.min(0, top + row * height - box.scrollTop))
}

// useStill scrolls: a row that was chosen comes into view, and when rows open or close the focused one stays where it is.
function useStill(at: number, { rows, box, height }: MovesOf) {
  const want = useRef<{ keep?: number; show?: boolean }>({ show: at > 0 })
  const old = useRef(at)
  useLayoutEffect(() => {
    const element = box.current
    if (!element || at < 0) return
    const { keep, show } = want.current
    want.current = {}
    if (keep !== undefined) element.scrollTop += (at - keep) * height
    if (show) bringIntoView(element, at, height)
    old.current = at
  }, [at, rows, height])
  return {
    keep: () => (want.current = { keep: old.current }),
    show: (row: number) => {
      want.current = { show: true }
      if (row === at && box.current) want.current = {}
    },
  }
}

function useTraceKeys({ t, rows, choice, box }: MovesOf, moves: Moves, span: number): void {
  const { at } = moves
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.id === 'main') box.current?.focus({ preventScroll: true })
  }, [])
  const open = () => {
    const [kind, ref] = [rows.kind[at], rows.ref[at] as number]
    if (kind === Kind.fold || kind === Kind.more) moves.toggle(at)
    else if (kind === Kind.line || kind === Kind.loose) go(next('logs', { at: ((kind === Kind.line ? t.lines[ref] : t.unattached[ref]) as Line).id, q: t.id }))
    else if (kind === Kind.span) document.querySelector<HTMLElement>('#span-card button, #span-card a')?.focus()
  }
  const expanded = () => {
    const ref = rows.ref[at] as number
    if (rows.kind[at] === Kind.span) return (t.after[ref] as number) > ref + 1 ? !choice.shut.has(t.spanIds[ref] as string) : undefined
    return rows.kind[at] === Kind.fold ? choice.open.has((rows.folds[ref] as Fold).id) : undefined
  }
  const right = () => (expanded() === false || rows.kind[at] === Kind.more ? moves.toggle(at) : expanded() && moves.select(at + 1))
  const left = () => (expanded() && rows.kind[at] !== undefined ? moves.toggle(at) : moves.select(parentRow(rows, at)))
  const out = () => {
    if (choice.find) change({ find: '', only: '' }, 'replace')
    else if (choice.zoom) moves.zoomOut()
    else history.back()
  }
  const page = () => Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / 23) - 2)
  const far = (by: number) => moves.select(Math.max(0, Math.min(rows.count - 1, at + by)))
  useKeys([
    { key: 'j', does: 'next row', run: () => far(1) },
    { key: 'k', does: 'previous row', run: () => far(-1) },
    { key: 'ArrowDown', does: 'next row', run: () => far(1) },
    { key: 'ArrowUp', does: 'previous row', run: () => far(-1) },
    { key: 'PageDown', does: 'a page on', run: () => far(page()) },
    { key: 'PageUp', does: 'a page back', run: () => far(-page()) },
    { key: 'ArrowRight', does: 'unfold', run: right },
    { key: 'ArrowLeft', does: 'fold, or to the parent', run: left },
    { key: 'Enter', does: 'details, or open a fold', run: open },
    { key: 'e', does: 'next failed span', run: moves.nextFailed },
    { key: 's', does: 'next slow part of the critical path', run: moves.nextSlow },
    { key: 'p', does: 'to the parent', run: () => span >= 0 && (t.parent[span] as number) >= 0 && moves.to(t.parent[span] as number) },
    { key: 'l', does: 'log lines in place, or not', run: () => turn('logs', choice.lines, true) },
    { key: 'r', does: 'repeats folded, or not', run: () => turn('fold', choice.fold, true) },
    { key: 'c', does: 'the critical path only, or all', run: () => turn('cp', choice.criticalOnly, false) },
    { key: 'f', does: 'find in this trace', run: () => document.getElementById(findField)?.focus() },
    { key: 'n', does: 'next match', run: moves.nextMatch },
    { key: 'N', does: 'previous match', run: moves.previousMatch },
    { key: '+', does: 'zoom in', run: () => moves.zoomBy(0.5) },
    { key: '-', does: 'zoom out', run: () => moves.zoomBy(2) },
    { key: '0', does: 'the whole trace', run: moves.zoomOut },
    { key: 'g', does: 'to the top', run: () => moves.select(0) },
    { key: 'G', does: 'to the end', run: () => moves.select(rows.count - 1) },
    { key: 'Home', does: 'to the top', run: () => moves.select(0) },
    { key: 'End', does: 'to the end', run: () => moves.select(rows.count - 1) },
    { key: 'Escape', does: 'one step out', run: out },
  ])
}
