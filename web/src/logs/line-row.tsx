// One line of the list: time, level, service, text, and the trace that it belongs to.
import type { ComponentChildren } from 'preact'
import { change, href } from '../frame/address.ts'
import { Level, ServiceMark, bodyOf, shown } from '../parts/marks.tsx'
import { full, listed } from '../words/times.ts'
import { joinList } from './list.ts'
import { fitted, opened, textOf, traceWords, type Line } from './line.ts'

/** mostShown is how many signs of a text are shown unless somebody asks for all. */
const mostShown = 2000

interface LineRowProps {
  line: Line
  index: number
  /** how many signs of text fit */
  signs: number
  selected: boolean
  around: boolean
  wrapped: boolean
  /** what stands below the line while it is open */
  details: ComponentChildren
  onSelect: () => void
}

/** rowName names the row of a line in the document. */
export function rowName(index: number): string {
  return `line-${index}`
}

export function LineRow({ line, index, signs, selected, around, wrapped, details, onSelect }: LineRowProps) {
  const text = textOf(line)
  const whole = shown(bodyOf(line.body).slice(0, mostShown))
  const marked = `${selected ? ' line-at' : ''}${around ? ' line-around' : ''}${wrapped ? ' line-wrapped' : ''}`
  return (
    <div class={`line${marked}`} role="row" id={rowName(index)} aria-rowindex={index + 1} aria-selected={selected} data-key={line.key} onClick={(e) => isChoice(e) && onSelect()}>
      <span role="gridcell" class="line-time mono" title={full(line.time)}>
        {listed(line.at)}
      </span>
      <span role="gridcell" class="line-level">
        <Level severity={line.severity} />
      </span>
      <span role="gridcell" class="line-service">
        <ServiceMark service={line.service} />
        <span class="cut" title={shown(line.service)}>
          {shown(line.service) || 'no service.name'}
        </span>
      </span>
      <span role="gridcell" class={`line-text mono${wrapped ? '' : ' cut'}`} title={wrapped ? undefined : whole}>
        {wrapped ? whole : fitted(text, signs)}
      </span>
      <span role="gridcell" class="line-trace">
        <TraceOf line={line} />
      </span>
      {details && (
        <div role="gridcell" class="line-details">
          {details}
        </div>
      )}
    </div>
  )
}

// A click on a link or a button within the row, or the end of marking text, does not choose the row.
function isChoice(event: MouseEvent): boolean {
  return !(event.target as Element).closest('a, button, .line-details') && (getSelection()?.isCollapsed ?? true)
}

function TraceOf({ line }: { line: Line }) {
  const words = traceWords(line)
  if (line.traceId === '') return <span class="faint">{words}</span>
  const failed = (line.trace?.error_count ?? 0) > 0
  return (
    <a href={spanOf(line)} tabIndex={-1} title={line.trace?.root_name ? shown(`${line.trace.root_service} ${line.trace.root_name}`) : line.traceId}>
      {words}
      {failed && (
        <span class="failed" role="img" aria-label="failed">
          {' ✕'}
        </span>
      )}
    </a>
  )
}

/** spanOf is the address of a line's span in its trace; empty for a line without a trace. */
export function spanOf(line: Line): string {
  return line.traceId === '' ? '' : href('trace', { ...(line.spanId && { span: line.spanId }) }, line.traceId)
}

interface DetailsProps {
  line: Line
  attrs: string[]
  whole: boolean
  onWhole: () => void
}

/** Details is a line in full: its text, its attributes, its resource. */
export function Details({ line, attrs, whole, onWhole }: DetailsProps) {
  const text = opened(line)
  const cut = !whole && text.length > mostShown
  return (
    <>
      <pre class="mono">{cut ? text.slice(0, mostShown) : text}</pre>
      {cut && (
        <button type="button" class="button" onClick={onWhole}>
          Show all {text.length.toLocaleString('en-US')} signs
        </button>
      )}
      <dl>
        {[...Object.entries(line.attributes), ...Object.entries(line.resource)].map(([name, value]) => (
          <Attribute key={name} name={name} value={value} attrs={attrs} />
        ))}
      </dl>
    </>
  )
}

function Attribute({ name, value, attrs }: { name: string; value: unknown; attrs: string[] }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const pair = `${name}=${text}`
  return (
    <div>
      <dt class="cut" title={name}>
        {shown(name)}
      </dt>
      <dd class="mono">
        {shown(text.slice(0, mostShown))}
        {text.length <= 200 && !attrs.includes(pair) && (
          <button type="button" class="plain" aria-label={`only with ${pair}`} onClick={() => change({ attr: joinList([...attrs, pair]) })}>
            only with
          </button>
        )}
      </dd>
    </div>
  )
}
