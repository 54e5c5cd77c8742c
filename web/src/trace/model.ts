// A trace as the view works with it: columns of numbers, one place a span, in depth-first order, so
// that 20,000 spans are laid out, folded and searched without an object each.
import type { SlimLog, SlimTrace } from '../api/types.ts'

/** Flag is what the view asks of a span again and again; flags of one span are or-ed. */
export const Flag = {
  failed: 1,
  asynchronous: 2,
  shared: 4,
  critical: 8,
  /** it or a span below it failed */
  failedBelow: 16,
  /** it or a span below it wrote a line of WARN or worse */
  warnedBelow: 32,
  skewed: 64,
  /** its parent is not here */
  orphan: 128,
} as const

/** Line is a log record, or an event of a span, at its time (ns after the trace's start). */
export interface Line {
  /** of the record, for pivot/log; empty for an event */
  id: string
  at: number
  severity: string
  service: string
  text: string
  /** the place of its span, -1 where that is not here */
  span: number
}

/** Trace is a trace. Times are ns after its start; places are those of spans. */
export interface Trace {
  id: string
  /** RFC 3339, to the nanosecond */
  start: string
  duration: number
  rootService: string
  rootName: string
  incomplete: boolean
  truncated: boolean
  logsTruncated: boolean
  spanCount: number
  errorCount: number
  lineCount: number
  services: string[]
  /** from and to are what the picture shows unless zoomed: all spans, or all lines where there are no spans. */
  from: number
  to: number

  count: number
  begin: Float64Array
  took: Float64Array
  self: Float64Array
  /** what it holds of the critical path */
  critical: Float64Array
  skew: Float64Array
  depth: Int32Array
  /** -1 for a root */
  parent: Int32Array
  /** the first place behind its subtree */
  after: Int32Array
  flags: Uint8Array
  /** places in operations */
  operation: Int32Array
  /** spans with the same number have the same shape: operation and all below */
  shape: Int32Array
  spanIds: string[]
  messages: Map<number, string>
  operations: Operation[]
  /** the place of the main root, -1 without spans */
  main: number

  /** lines, those of a span together: of span i from lineFrom[i] to lineFrom[i + 1], by time */
  lines: Line[]
  lineFrom: Int32Array
  events: Line[]
  eventFrom: Int32Array
  unattached: Line[]

  /** the critical path, in time order */
  pathSpan: Int32Array
  pathFrom: Float64Array
  pathTo: Float64Array

  missing: { id: string; children: number[] }[]
  duplicates: string[]
  cycles: string[][]
}

/** Operation is what makes spans comparable. */
export interface Operation {
  service: string
  name: string
  kind: string
}

/** operationOf is the operation of a span. */
export function operationOf(t: Trace, span: number): Operation {
  return t.operations[t.operation[span] as number] as Operation
}

/** has says whether a span has a flag. */
export function has(t: Trace, span: number, flag: number): boolean {
  return ((t.flags[span] as number) & flag) !== 0
}

/** end is when a span ends. */
export function end(t: Trace, span: number): number {
  return (t.begin[span] as number) + (t.took[span] as number)
}

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/** rankOf is how bad a severity is: 0 when unknown, 4 for WARN, 5 for ERROR, 6 for FATAL. */
export function rankOf(severity: string): number {
  return severities.indexOf(severity.replace(/\d$/, '')) + 1
}

/** warning is the rank from which on a line keeps its span from being folded. */
export const warning = 4

/** childrenOf lists the places of the spans directly below one; of -1, the roots. */
export function childrenOf(t: Trace, span: number): number[] {
  const found: number[] = []
  const stop = span < 0 ? t.count : (t.after[span] as number)
  for (let c = span + 1; c < stop; c = t.after[c] as number) found.push(c)
  return found
}

/** read makes the columns of an answer of pivot/trace with slim=1. */
export function read(slim: SlimTrace): Trace {
  const n = slim.spans.length
  const t = empty(slim, n)
  const operations = new Map<string, number>()
  slim.spans.forEach((s, i) => {
    const service = slim.resources[s.resource]?.service ?? ''
    t.begin[i] = s.offset_ns
    t.took[i] = Math.max(0, s.duration_ns)
    t.self[i] = s.self_time_ns
    t.critical[i] = s.critical_path_ns ?? 0
    t.skew[i] = s.skew_ns ?? 0
    t.depth[i] = s.depth
    t.spanIds.push(s.span_id)
    if (s.status_message) t.messages.set(i, s.status_message)
    t.flags[i] = (s.status === 'error' ? Flag.failed : 0) | (s.asynchronous ? Flag.asynchronous : 0) | (s.shared ? Flag.shared : 0) | (s.skew_ns ? Flag.skewed : 0)
    const key = `${service}\n${s.name}\n${s.kind}`
    let o = operations.get(key)
    if (o === undefined) {
      o = t.operations.push({ service, name: s.name, kind: s.kind }) - 1
      operations.set(key, o)
    }
    t.operation[i] = o
    t.lineFrom[i] = t.lines.length
    for (const l of s.logs ?? []) t.lines.push(lineOf(l, i))
    t.eventFrom[i] = t.events.length
    for (const e of s.events ?? []) t.events.push(eventOf(e, service, i))
  })
  t.lineFrom[n] = t.lines.length
  t.eventFrom[n] = t.events.length
  t.unattached = slim.unattached_logs.map((l) => lineOf(l, -1))
  t.lineCount = t.lines.length + t.unattached.length
  link(t)
  flagBelow(t)
  shapes(t)
  path(t, slim)
  gaps(t, slim)
  extent(t)
  return t
}

function empty(slim: SlimTrace, n: number): Trace {
  const { trace } = slim
  return {
    id: trace.trace_id, start: trace.start, duration: trace.duration_ns, rootService: trace.root_service, rootName: trace.root_name,
    incomplete: trace.incomplete ?? false, truncated: slim.truncated, logsTruncated: slim.logs_truncated,
    spanCount: trace.span_count, errorCount: trace.error_count, lineCount: 0, services: trace.services, from: 0, to: 0,
    count: n, begin: new Float64Array(n), took: new Float64Array(n), self: new Float64Array(n), critical: new Float64Array(n), skew: new Float64Array(n),
    depth: new Int32Array(n), parent: new Int32Array(n), after: new Int32Array(n), flags: new Uint8Array(n), operation: new Int32Array(n), shape: new Int32Array(n),
    spanIds: [], messages: new Map(), operations: [], main: -1,
    lines: [], lineFrom: new Int32Array(n + 1), events: [], eventFrom: new Int32Array(n + 1), unattached: [],
    pathSpan: new Int32Array(0), pathFrom: new Float64Array(0), pathTo: new Float64Array(0), missing: [], duplicates: slim.duplicate_span_ids ?? [], cycles: slim.cycles ?? [],
  }
}

function lineOf(l: SlimLog, span: number): Line {
  return { id: l.id, at: l.offset_ns, severity: l.severity, service: l.service, text: textOf(l.body), span }
}

/** textOf is the body of a log record as one reads it. */
export function textOf(body: unknown): string {
  return typeof body === 'string' ? body : body === null || body === undefined ? '' : JSON.stringify(body)
}

function eventOf(e: { name: string; offset_ns: number }, service: string, span: number): Line {
  return { id: '', at: e.offset_ns, severity: e.name === 'exception' ? 'ERROR' : '', service, text: e.name, span }
}

// link finds parents and the ends of subtrees by depth.
function link(t: Trace): void {
  const open: number[] = []
  for (let i = 0; i <= t.count; i++) {
    const depth = i < t.count ? (t.depth[i] as number) : 0
    while (open.length > depth) t.after[open.pop() as number] = i
    if (i === t.count) break
    t.parent[i] = open.length > 0 ? (open[open.length - 1] as number) : -1
    open.push(i)
  }
}

function flagBelow(t: Trace): void {
  for (let i = t.count - 1; i >= 0; i--) {
    let flags = t.flags[i] as number
    if (flags & Flag.failed) flags |= Flag.failedBelow
    for (let l = t.lineFrom[i] as number; l < (t.lineFrom[i + 1] as number); l++) {
      if (rankOf((t.lines[l] as Line).severity) >= warning) flags |= Flag.warnedBelow
    }
    t.flags[i] = flags
    const p = t.parent[i] as number
    if (p >= 0) t.flags[p] = (t.flags[p] as number) | (flags & (Flag.failedBelow | Flag.warnedBelow))
  }
}

// shapes numbers subtrees by operation and the shapes of the children. The same child again and again counts once:
// a loop of three and one of four have the same shape.
function shapes(t: Trace): void {
  const numbers = new Map<string, number>()
  const below = new Map<number, number[]>() // of each span, the shapes of its children from the last to the first
  for (let i = t.count - 1; i >= 0; i--) {
    const key = `${t.operation[i]}(${below.get(i)?.join() ?? ''})`
    below.delete(i)
    let shape = numbers.get(key)
    if (shape === undefined) numbers.set(key, (shape = numbers.size))
    t.shape[i] = shape
    const p = t.parent[i] as number
    if (p < 0) continue
    const siblings = below.get(p)
    if (!siblings) below.set(p, [shape])
    else if (siblings[siblings.length - 1] !== shape) siblings.push(shape)
  }
}

function path(t: Trace, slim: SlimTrace): void {
  const segments = slim.critical_path
  t.pathSpan = Int32Array.from(segments, (s) => s.span)
  t.pathFrom = Float64Array.from(segments, (s) => s.offset_ns)
  t.pathTo = Float64Array.from(segments, (s) => s.offset_ns + s.duration_ns)
  for (const s of t.pathSpan) {
    // Whoever holds a part of the path was waited for by all above.
    for (let i = s; i >= 0 && !has(t, i, Flag.critical); i = t.parent[i] as number) t.flags[i] = (t.flags[i] as number) | Flag.critical
  }
  const first = t.pathSpan[0]
  t.main = first === undefined ? (t.count > 0 ? 0 : -1) : first
  while (t.main >= 0 && (t.parent[t.main] as number) >= 0) t.main = t.parent[t.main] as number
}

function gaps(t: Trace, slim: SlimTrace): void {
  if (slim.missing_parents.length === 0) return
  const places = new Map<string, number>()
  for (let i = 0; i < t.count; i = t.after[i] as number) places.set(t.spanIds[i] as string, i)
  for (const m of slim.missing_parents) {
    const children = m.children.map((id) => places.get(id) ?? -1).filter((i) => i >= 0)
    for (const i of children) t.flags[i] = (t.flags[i] as number) | Flag.orphan
    t.missing.push({ id: m.span_id, children })
  }
}

function extent(t: Trace): void {
  let [from, to] = [Infinity, -Infinity]
  for (let i = 0; i < t.count; i++) {
    from = Math.min(from, t.begin[i] as number)
    to = Math.max(to, end(t, i))
  }
  if (t.count === 0) {
    for (const l of t.unattached) {
      from = Math.min(from, l.at)
      to = Math.max(to, l.at)
    }
  }
  t.from = Number.isFinite(from) ? from : 0
  t.to = Number.isFinite(to) ? Math.max(to, t.from + 1) : t.from + 1
}
