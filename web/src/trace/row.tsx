// One row of the waterfall. Elements are reused for other rows while one scrolls, so they hold no state.
import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import { Level, ServiceMark, shown } from '../parts/marks.tsx'
import { count, duration, exactly, plural } from '../words/numbers.ts'
import { listed, ms } from '../words/times.ts'
import { LineAt, Members, SpanBar } from './bars.tsx'
import { nameOf, type Fold } from './fold.ts'
import { Flag, end, has, operationOf, type Line, type Trace } from './model.ts'
import { Kind, hiddenLines, type Rows } from './rows.ts'
import { saying } from '../words/saying.ts'
import type { Scale } from './scale.ts'

/** Drawn is all that rows are drawn from. */
export interface Drawn {
  t: Trace
  rows: Rows
  scale: Scale
  segments: Map<number, number[]>
  /** lines and events have rows of their own; if not, they are marks on the bars */
  lines: boolean
  open: ReadonlySet<string>
  shut: ReadonlySet<string>
  matches: Uint8Array | undefined
}

/** lines are rows that stand at one time. */
const lines = new Set<number>([Kind.line, Kind.event, Kind.more, Kind.loose])

/** rowId is the id of a row's element. */
export const rowId = (row: number) => `span-row-${row}`

/** Row is drawn anew only when something about it changed: most rows stay when one scrolls by a few. */
export function Row({ row, focused, drawn }: { row: number; focused: boolean; drawn: Drawn }) {
  return useMemo(() => drawnRow(row, focused, drawn), [row, focused, drawn])
}

function drawnRow(row: number, focused: boolean, drawn: Drawn) {
  const { rows } = drawn
  const [kind, ref] = [rows.kind[row] as number, rows.ref[row] as number]
  const opened = openOf(drawn, kind, ref)
  const says = nameOfRow(drawn, kind, ref)
  return (
    <div
      role="row"
      id={rowId(row)}
      class={`wf-row${lines.has(kind) ? ' wf-line' : ''}${focused ? ' wf-at' : ''}${matchOf(drawn, kind, ref)}`}
      data-at={row}
      aria-rowindex={row + 2}
      aria-level={(rows.level[row] as number) + 1}
      aria-posinset={rows.place[row]}
      aria-setsize={rows.size[row]}
      aria-expanded={opened}
      aria-selected={focused}
      aria-label={says}
    >
      <Cells drawn={drawn} kind={kind} refTo={ref} level={rows.level[row] as number} opened={opened} />
    </div>
  )
}

function openOf({ t, rows, open, shut }: Drawn, kind: number, ref: number): boolean | undefined {
  if (kind === Kind.span && (t.after[ref] as number) > ref + 1) return !shut.has(t.spanIds[ref] as string)
  return kind === Kind.fold ? open.has((rows.folds[ref] as Fold).id) : undefined
}

function matchOf({ t, rows, matches }: Drawn, kind: number, ref: number): string {
  if (!matches) return ''
  const hit =
    kind === Kind.span ? matches[ref] === 1
    : kind === Kind.fold ? (rows.folds[ref] as Fold).members.some((m) => matches.subarray(m, t.after[m]).includes(1))
    : kind === Kind.line ? matches[(t.lines[ref] as Line).span] === 1
    : kind === Kind.event && matches[(t.events[ref] as Line).span] === 1
  return hit ? ' wf-match' : ' wf-dim'
}

/** nameOfRow is what those hear who cannot see the row. */
export function nameOfRow({ t, rows }: Drawn, kind: number, ref: number): string {
  if (kind === Kind.span) {
    const { service, name } = operationOf(t, ref)
    const said = [service, name, duration(t.took[ref] as number)]
    if (has(t, ref, Flag.failed)) said.push('failed')
    if (has(t, ref, Flag.critical)) said.push('on the critical path')
    if (has(t, ref, Flag.asynchronous)) said.push('not waited for')
    if (has(t, ref, Flag.skewed)) said.push(`clock moved by ${moved(t, ref)}`)
    if (has(t, ref, Flag.orphan)) said.push('its parent is not here')
    return shown(said.join(', '))
  }
  if (kind === Kind.fold) {
    const fold = rows.folds[ref] as Fold
    return shown(`${count(fold.members.length)} × ${nameOf(t, fold)}, ${duration(fold.took)} in all`)
  }
  if (kind === Kind.more) return moreOf(t, ref)
  if (kind === Kind.missing) return `parent ${(t.missing[ref] as Trace['missing'][number]).id} not here`
  if (kind === Kind.heading) return looseHeading(t)
  const line = lineOf(t, kind, ref)
  return shown(`${kind === Kind.event ? 'event' : line.severity.toLowerCase() || 'log line'}, ${line.service}, ${timeOf(t, line)}, ${line.text}`)
}

function lineOf(t: Trace, kind: number, ref: number): Line {
  return (kind === Kind.line ? t.lines[ref] : kind === Kind.event ? t.events[ref] : t.unattached[ref]) as Line
}

function moved(t: Trace, span: number): string {
  const ns = t.skew[span] as number
  return `${ns < 0 ? '−' : '+'}${duration(Math.abs(ns))}`
}

function moreOf(t: Trace, span: number): string {
  const { lines, events } = hiddenLines(t, span)
  return [lines && plural(lines, 'more log line'), events && plural(events, 'more event')].filter(Boolean).join(', ')
}

function looseHeading(t: Trace): string {
  return `${plural(t.unattached.length, 'log line')} of no span here`
}

/** timeOf is when a line was written. */
export function timeOf(t: Trace, line: Line): string {
  return listed(ms(t.start) + line.at / 1e6)
}

interface CellsProps {
  drawn: Drawn
  kind: number
  refTo: number
  level: number
  opened: boolean | undefined
}

function Cells({ drawn, kind, refTo, level, opened }: CellsProps) {
  const { t, rows, scale, segments } = drawn
  switch (kind) {
    case Kind.span:
      return (
        <Three
          level={level}
          opened={opened}
          name={<SpanName t={t} span={refTo} />}
          bar={<SpanBar t={t} span={refTo} scale={scale} segments={segments.get(refTo)} marks={!drawn.lines} />}
          took={<span title={exactly(t.took[refTo] as number)}>{duration(t.took[refTo] as number)}</span>}
        />
      )
    case Kind.fold: {
      const fold = rows.folds[refTo] as Fold
      const n = fold.members.length
      return (
        <Three
          level={level}
          opened={opened}
          name={
            <>
              <ServiceMark service={operationOf(t, fold.members[0] as number).service} />
              <span class="mono quiet-text">
                {n > 1 && <strong>{count(n)} × </strong>}
                {shown(nameOf(t, fold))}
              </span>
            </>
          }
          bar={<Members t={t} members={fold.members} scale={scale} />}
          took={<span class="quiet-text">{duration(fold.took)} in all</span>}
        />
      )
    }
    case Kind.more:
      return <Three level={level} name={<span class="link-like">{moreOf(t, refTo)}</span>} />
    case Kind.missing:
      return (
        <Three
          level={level}
          name={
            <span>
              parent <code>{(t.missing[refTo] as Trace['missing'][number]).id.slice(0, 8)}…</code> not here
            </span>
          }
          bar={<span class="wf-absent" />}
        />
      )
    case Kind.heading:
      return <Three level={level} name={<span class="quiet-text">{looseHeading(t)}</span>} />
  }
  const line = lineOf(t, kind, refTo)
  return (
    <Three
      level={level}
      name={
        <>
          {kind === Kind.event ? <span class="level wf-event" aria-hidden="true">◇</span> : <Level severity={line.severity} />}
          {line.span < 0 && <ServiceMark service={line.service} />}
          <span class="mono faint">{timeOf(t, line)}</span>
        </>
      }
      bar={<LineAt line={line} scale={scale} hollow={kind === Kind.event} text={shown(saying(line.text).slice(0, 400).replace(/\s+/g, ' '))} />}
      wide
    />
  )
}

interface ThreeProps {
  level: number
  opened?: boolean | undefined
  name: ComponentChildren
  bar?: ComponentChildren
  took?: ComponentChildren
  /** the bar's cell takes the place of the last one too */
  wide?: boolean
}

/** deepest is how many levels are indented: what is deeper stands below one another. */
const deepest = 24

function Three({ level, opened, name, bar, took, wide }: ThreeProps) {
  return (
    <>
      <div role="gridcell" class="wf-name" style={{ paddingLeft: `${8 + Math.min(level, deepest) * 12}px` }}>
        <span class={`wf-twisty${opened === undefined ? '' : opened ? ' wf-open' : ' wf-closed'}`} data-twisty={opened === undefined ? undefined : ''} aria-hidden="true" />
        {name}
      </div>
      <div role="gridcell" class={wide ? 'wf-time wf-wide' : 'wf-time'}>
        {bar}
      </div>
      {!wide && (
        <div role="gridcell" class="wf-took">
          {took}
        </div>
      )}
    </>
  )
}

// The service is written out where it changes.
function SpanName({ t, span }: { t: Trace; span: number }) {
  const { service, name } = operationOf(t, span)
  const p = t.parent[span] as number
  const changes = p < 0 || operationOf(t, p).service !== service
  const failed = has(t, span, Flag.failed)
  const about = has(t, span, Flag.skewed) ? `clock moved by ${moved(t, span)}` : `${service} ${name}, ends ${duration(end(t, span))} after the start`
  return (
    <>
      <ServiceMark service={service} />
      <span title={shown(about)}>
        {changes && <>{shown(service) || 'no service.name'} </>}
        <span class={`mono${failed ? ' failed' : ''}`}>{shown(name) || 'without a name'}</span>
        {failed && <span class="failed"> ✕</span>}
      </span>
    </>
  )
}
