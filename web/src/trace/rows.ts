// Which rows are seen, and in what order: columns again, so that folding 20,000 spans takes milliseconds
// and scrolling only looks up places.
import { folded, type Fold, type Item } from './fold.ts'
import { childrenOf, rankOf, type Line, type Trace } from './model.ts'

/** Kind is what a row shows. What its ref is the place of stands beside. */
export const Kind = {
  /** a span */
  span: 0,
  /** rows.folds */
  fold: 1,
  /** trace.lines */
  line: 2,
  /** trace.events */
  event: 3,
  /** the span of which there are more lines and events */
  more: 4,
  /** trace.missing */
  missing: 5,
  /** the heading above lines of no span here */
  heading: 6,
  /** trace.unattached */
  loose: 7,
} as const

/** Rows are what is seen, from top to bottom. */
export interface Rows {
  count: number
  kind: Uint8Array
  ref: Int32Array
  /** 0 for the outermost */
  level: Int32Array
  /** its place among the rows of its parent, from 1, and how many those are */
  place: Int32Array
  size: Int32Array
  folds: Fold[]
  /** of each span, its own row or that of the fold that it is a member of; -1 where it is hidden */
  at: Int32Array
}

/** View is what the reader chose. */
export interface View {
  lines: boolean
  fold: boolean
  /** ids of folds that are open */
  open: ReadonlySet<string>
  /** ids of spans that are closed */
  shut: ReadonlySet<string>
  /** ids of spans of which all lines are shown */
  all: ReadonlySet<string>
  /** the spans that may be shown; all, if it is not given */
  keep?: Uint8Array
}

/** fewLines is how many lines and events of a span are shown at once. */
export const fewLines = 4

type Entry = Item | { missing: number }

interface Level {
  entries: Entry[]
  next: number
  level: number
  /** rows of the parent's lines, which come before */
  before: number
}

class Columns {
  kind: number[] = []
  ref: number[] = []
  level: number[] = []
  place: number[] = []
  size: number[] = []
  add(kind: number, ref: number, level: number, place: number, size: number): number {
    this.ref.push(ref)
    this.level.push(level)
    this.place.push(place)
    this.size.push(size)
    return this.kind.push(kind) - 1
  }
}

/** layout finds the rows of a trace. */
export function layout(t: Trace, view: View): Rows {
  const c = new Columns()
  const at = new Int32Array(t.count).fill(-1)
  const folds: Fold[] = []
  const stack: Level[] = [{ entries: roots(t, view), next: 0, level: 0, before: 0 }]
  for (let top = stack[0]; top; top = stack[stack.length - 1]) {
    const entry = top.entries[top.next++]
    if (entry === undefined) {
      stack.pop()
      continue
    }
    const [place, size] = [top.before + top.next, top.before + top.entries.length]
    if (typeof entry === 'number') {
      at[entry] = c.add(Kind.span, entry, top.level, place, size)
      const below = view.shut.has(t.spanIds[entry] as string) ? [] : items(t, view, entry)
      const shown = view.lines ? lines(t, view, entry, c, top.level + 1, below.length) : 0
      if (below.length > 0) stack.push({ entries: below, next: 0, level: top.level + 1, before: shown })
    } else if ('missing' in entry) {
      c.add(Kind.missing, entry.missing, top.level, place, size)
      const children = (t.missing[entry.missing] as Trace['missing'][number]).children.filter((i) => kept(view, i))
      stack.push({ entries: children, next: 0, level: top.level + 1, before: 0 })
    } else {
      const row = c.add(Kind.fold, folds.push(entry) - 1, top.level, place, size)
      if (view.open.has(entry.id)) stack.push({ entries: entry.members, next: 0, level: top.level + 1, before: 0 })
      else for (const m of entry.members) at[m] = row
    }
  }
  loose(t, view, c)
  return {
    count: c.kind.length, kind: Uint8Array.from(c.kind), ref: Int32Array.from(c.ref), level: Int32Array.from(c.level),
    place: Int32Array.from(c.place), size: Int32Array.from(c.size), folds, at,
  }
}

function kept(view: View, span: number): boolean {
  return !view.keep || view.keep[span] === 1
}

function items(t: Trace, view: View, span: number): Item[] {
  const siblings = childrenOf(t, span).filter((i) => kept(view, i))
  return view.fold ? folded(t, siblings) : siblings
}

// roots stand in the order of time; those that wait for one parent stand below its row.
function roots(t: Trace, view: View): Entry[] {
  if (t.missing.length === 0) return items(t, view, -1)
  const waitsFor = new Map<number, number>()
  t.missing.forEach((m, k) => m.children.forEach((c) => waitsFor.set(c, k)))
  const seen = new Set<number>()
  return items(t, view, -1).flatMap((entry): Entry[] => {
    const k = typeof entry === 'number' ? waitsFor.get(entry) : undefined
    if (k === undefined) return [entry]
    if (seen.has(k)) return []
    seen.add(k)
    return [{ missing: k }]
  })
}

// lines adds the rows of a span's lines and events, in order of time, and says how many rows they are.
function lines(t: Trace, view: View, span: number, c: Columns, level: number, below: number): number {
  const own = linesOf(t, span)
  if (own.length === 0) return 0
  const shown = view.all.has(t.spanIds[span] as string) ? own : worst(own)
  const more = own.length > shown.length ? 1 : 0
  const size = shown.length + more + below
  shown.forEach(({ kind, ref }, k) => c.add(kind, ref, level, k + 1, size))
  if (more) c.add(Kind.more, span, level, shown.length + 1, size)
  return shown.length + more
}

interface Own {
  kind: number
  ref: number
  line: Line
}

function linesOf(t: Trace, span: number): Own[] {
  const own: Own[] = []
  for (let ref = t.lineFrom[span] as number; ref < (t.lineFrom[span + 1] as number); ref++) own.push({ kind: Kind.line, ref, line: t.lines[ref] as Line })
  for (let ref = t.eventFrom[span] as number; ref < (t.eventFrom[span + 1] as number); ref++) own.push({ kind: Kind.event, ref, line: t.events[ref] as Line })
  return own.sort((a, b) => a.line.at - b.line.at)
}

// worst are the worst lines; events only where there is room, as their names say little.
function worst(own: Own[]): Own[] {
  if (own.length <= fewLines) return own
  const first = own.toSorted((a, b) => a.kind - b.kind || rankOf(b.line.severity) - rankOf(a.line.severity) || a.line.at - b.line.at).slice(0, fewLines)
  return first.sort((a, b) => a.line.at - b.line.at)
}

/** hiddenLines says how many log lines and events of a span its row "more" stands for. */
export function hiddenLines(t: Trace, span: number): { lines: number; events: number } {
  const own = linesOf(t, span)
  const shown = new Set(worst(own))
  const hidden = own.filter((o) => !shown.has(o))
  const events = hidden.filter((o) => o.kind === Kind.event).length
  return { lines: hidden.length - events, events }
}

function loose(t: Trace, view: View, c: Columns): void {
  const n = t.unattached.length
  if (n === 0 || !(view.lines || t.count === 0)) return
  if (t.count > 0) c.add(Kind.heading, 0, 0, 1, 1)
  for (let i = 0; i < n; i++) c.add(Kind.loose, i, 0, i + 1, n)
}

/** rowOf is the row of a span, or of what hides it: its fold, or the closed span above it. */
export function rowOf(t: Trace, rows: Rows, span: number): number {
  for (let i = span; i >= 0; i = t.parent[i] as number) {
    const row = rows.at[i] as number
    if (row >= 0) return row
  }
  return -1
}

/** spanAt is the span that a row shows or belongs to, the first member's for a fold; -1 for none. */
export function spanAt(t: Trace, rows: Rows, row: number): number {
  const ref = rows.ref[row]
  if (ref === undefined) return -1
  switch (rows.kind[row]) {
    case Kind.span:
    case Kind.more:
      return ref
    case Kind.fold:
      return (rows.folds[ref] as Fold).members[0] as number
    case Kind.line:
      return (t.lines[ref] as Line).span
    case Kind.event:
      return (t.events[ref] as Line).span
  }
  return -1
}

/** reveal is a view in which a span has its own row. */
export function reveal(t: Trace, view: View, span: number): View {
  for (;;) {
    const rows = layout(t, view)
    const row = rowOf(t, rows, span)
    if (row < 0 || (rows.kind[row] === Kind.span && rows.ref[row] === span)) return view
    const ref = rows.ref[row] as number
    if (rows.kind[row] === Kind.fold) view = { ...view, open: new Set([...view.open, (rows.folds[ref] as Fold).id]) }
    else {
      const id = t.spanIds[ref] as string
      if (!view.shut.has(id)) return view // hidden by what may be shown
      view = { ...view, shut: new Set([...view.shut].filter((s) => s !== id)) }
    }
  }
}

/** parentRow is the row that a row stands below, -1 for the outermost. */
export function parentRow(rows: Rows, row: number): number {
  const level = rows.level[row] as number
  for (let r = row - 1; r >= 0; r--) if ((rows.level[r] as number) < level) return r
  return -1
}
