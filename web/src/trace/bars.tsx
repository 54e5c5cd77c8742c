// What is drawn in a row of the waterfall: bars, the line of the critical path, marks of log lines.
import { markOf } from '../words/services.ts'
import { duration } from '../words/numbers.ts'
import { Flag, end, has, operationOf, rankOf, warning, type Line, type Trace } from './model.ts'
import { barOf, merged, x, type Bar, type Scale } from './scale.ts'

/** height is that of a row's picture; the bar stands in its middle, the ink line below it. */
const height = 23
const [top, thick] = [6, 10]
const ink = 2.5

const hueClass = (service: string) => {
  const { hue } = markOf(service)
  return `fill-${hue < 0 ? 'none' : hue}`
}

interface SpanBarProps {
  t: Trace
  span: number
  scale: Scale
  /** its pieces of the critical path */
  segments: number[] | undefined
  /** log lines and events are marks on the bar */
  marks: boolean
}

export function SpanBar({ t, span, scale, segments, marks }: SpanBarProps) {
  const bar = barOf(scale, t.begin[span] as number, t.took[span] as number)
  const failed = has(t, span, Flag.failed)
  const kind = [
    'wf-bar',
    hueClass(operationOf(t, span).service),
    !has(t, span, Flag.critical) && 'wf-off-path',
    failed && 'wf-failed',
    has(t, span, Flag.asynchronous) && 'wf-hollow',
    has(t, span, Flag.orphan) && 'wf-orphan',
  ]
  return (
    <svg class="wf-svg" width={scale.width} height={height} aria-hidden="true">
      {bar ? (
        <>
          <rect class={kind.filter(Boolean).join(' ')} x={bar.x} y={top} width={bar.width} height={thick} rx={Math.min(1.5, bar.width / 2)} />
          {has(t, span, Flag.skewed) && <path class="wf-broken" d={`M${bar.x} ${top - 2}l2 3.5l-4 3.5l4 3.5l-2 3.5`} />}
          {failed && bar.width > 14 && <Cross at={bar.x + bar.width - 8} />}
        </>
      ) : (
        <Beyond t={t} span={span} scale={scale} />
      )}
      {segments && <path class="wf-ink" d={inkOf(t, segments, scale)} />}
      {marks && <Marks t={t} span={span} scale={scale} />}
    </svg>
  )
}

function Cross({ at }: { at: number }) {
  return <path class="wf-cross" d={`M${at - 3} ${top + 2}l6 6m0 -6l-6 6`} />
}

// A span outside of what is seen is an arrow on its side.
function Beyond({ t, span, scale }: { t: Trace; span: number; scale: Scale }) {
  const left = end(t, span) < scale.from
  return <path class="wf-beyond" d={left ? 'M8 7l-5 4.5l5 4.5' : `M${scale.width - 8} 7l5 4.5l-5 4.5`} />
}

function inkOf(t: Trace, segments: number[], scale: Scale): string {
  const bars = segments.flatMap((s) => barOf(scale, t.pathFrom[s] as number, (t.pathTo[s] as number) - (t.pathFrom[s] as number)) ?? [])
  return pathOf(merged(bars), top + thick + 0.5, ink)
}

function pathOf(bars: Bar[], y: number, h: number): string {
  return bars.map((b) => `M${b.x.toFixed(1)} ${y}h${b.width.toFixed(1)}v${h}h${(-b.width).toFixed(1)}z`).join('')
}

/** Members draws all spans of a fold in one row. */
export function Members({ t, members, scale }: { t: Trace; members: number[]; scale: Scale }) {
  const bars = merged(members.flatMap((m) => barOf(scale, t.begin[m] as number, t.took[m] as number) ?? []))
  const onPath = members.some((m) => has(t, m, Flag.critical))
  const service = operationOf(t, members[0] as number).service
  return (
    <svg class="wf-svg" width={scale.width} height={height} aria-hidden="true">
      <path class={`wf-members ${hueClass(service)}${onPath ? '' : ' wf-off-path'}`} d={pathOf(bars, top, thick)} />
    </svg>
  )
}

function Marks({ t, span, scale }: { t: Trace; span: number; scale: Scale }) {
  const own = [...t.lines.slice(t.lineFrom[span], t.lineFrom[span + 1]), ...t.events.slice(t.eventFrom[span], t.eventFrom[span + 1])]
  const places = new Map<number, Line>() // the worst of each place
  for (const line of own) {
    if (line.at < scale.from || line.at > scale.to) continue
    const at = Math.round(x(scale, line.at) / 4) * 4
    const there = places.get(at)
    if (!there || rankOf(line.severity) > rankOf(there.severity)) places.set(at, line)
  }
  return (
    <>
      {[...places].map(([at, line]) => (
        <path key={at} class={`${markClass(line)} wf-on-bar`} d={markOfLine(line.severity, at, top + thick / 2)} />
      ))}
    </>
  )
}

/** markOfLine is the outline of a line's mark: a square for errors, a triangle for warnings, a dot for all else. */
function markOfLine(severity: string, at: number, y: number): string {
  const rank = rankOf(severity)
  if (rank > warning) return `M${at - 3} ${y - 3}h6v6h-6z`
  if (rank === warning) return `M${at} ${y - 4}l4.5 8h-9z`
  return `M${at - 2.5} ${y}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0z`
}

function markClass(line: Line): string {
  const rank = rankOf(line.severity)
  return `wf-mark${rank > warning ? ' wf-mark-bad' : rank === warning ? ' wf-mark-warn' : ''}${line.id === '' ? ' wf-mark-hollow' : ''}`
}

/** letter is how wide (px) a letter of 12 px is, in the fonts that machines' words are shown in. */
const letter = 7.3

/** LineAt is a mark at a line's time with its text beside it, on the side that has room. */
export function LineAt({ line, scale, hollow, text }: { line: Line; scale: Scale; hollow: boolean; text: string }) {
  const at = x(scale, line.at)
  const length = text.length * letter + 12
  const left = at + length > scale.width && at > scale.width / 2
  const after = line.at > scale.to ? `, ${duration(line.at - scale.to)} after what is seen` : ''
  return (
    <>
      <svg class="wf-svg" width={scale.width} height={height} aria-hidden="true">
        <path class={`${markClass(line)}${hollow ? ' wf-mark-hollow' : ''}`} d={markOfLine(line.severity, Math.min(Math.max(at, 4), scale.width - 4), height / 2)} />
      </svg>
      <span class={`wf-text mono cut${left ? ' wf-text-left' : ''}`} title={line.text.slice(0, 2000) + after} style={left ? { left: 0, width: `${Math.max(0, at - 10)}px` } : { left: `${at + 10}px`, width: `calc(100% - ${at + 10}px)` }}>
        {text}
      </span>
    </>
  )
}
