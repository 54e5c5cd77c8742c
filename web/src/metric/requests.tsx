// Requests as a heatmap, and what those in its box have in common.
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { useAnswer, type Answer } from '../api/answer.ts'
import type { Comparison, Heatmap } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { explore } from '../frame/grafana.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { asked, iso, range } from '../frame/range.ts'
import { shown } from '../parts/marks.tsx'
import { Note, Part } from '../parts/part.tsx'
import { count } from '../words/numbers.ts'
import { Alike, Around } from './beside.tsx'
import { formatBox, parseBox, type Box } from './box.ts'
import { Common, Logged } from './common.tsx'
import { Heat, pictureOf } from './heat.tsx'
import { keep, useLooked, type Holding, type Looked } from './holding.tsx'
import { NoBox } from './nobox.tsx'
import { NoRequests } from './norequests.tsx'
import { Picker } from './picker.tsx'
import { outside } from './plot.tsx'
import { p95Of, subject } from './selector.ts'
import { boxText, standsOut } from './sentences.ts'
import { sqlOf } from './sql.ts'
import { Columns } from './columns.tsx'
import { Traces } from './traces.tsx'
import { useNarrow } from './watch.ts'

/** setBox shows another box; undefined removes it. */
export function setBox(box: Box | undefined): void {
  change({ box: box ? formatBox(box) : '', row: '' })
}

export function RequestsOf({ query }: { query: string }) {
  const { params } = address.value
  const box = useMemo(() => parseBox(params.box ?? ''), [params.box])
  const rest = ['op', 'all', 'before'].includes(params.rest ?? '') ? (params.rest as string) : 'op'
  const narrow = useNarrow()
  const question = { query, ...asked(), columns: narrow ? 60 : 120, rows: narrow ? 24 : 32 }
  const map = useAnswer<Heatmap>('api/v1/heatmap', question, { live: true })
  const compared = useAnswer<Comparison>(box ? 'api/v1/compare' : null, { query, ...asked(), ...timeOf(box), min: box?.low || undefined, max: highest(box), rest })
  useHand({
    title: titleOf(query, box, compared.value),
    ask: box ? { path: 'api/v1/compare', params: { query, ...asked(), ...timeOf(box), min: box.low || undefined, max: highest(box), rest } } : { path: 'api/v1/heatmap', params: question },
    sql: sqlOf(query, box, range.value),
    grafana: explore('plait-prometheus', { expr: p95Of(query) }),
  })
  const looked = useLooked(question)
  useBoxKeys(box, looked)
  const live = box === undefined
  return (
    <div class="view metric">
      <section class="card metric-picture" aria-label="Requests by time and latency">
        <h1 class="heard">Requests of {shown(subject(query))}</h1>
        <Picker query={query} />
        {params.box && !box && <Note>“box={params.box}” is no box: it has a time and a latency, as T0,T1,LOW,HIGH.</Note>}
        <Part answer={map} lines={12} reading="reading requests" partial={partial}>
          {(found) => <Shown map={found} query={query} box={box} compared={compared} narrow={narrow} holding={looked.holding} />}
        </Part>
      </section>
      <div class="stack metric-side">
        {box ? (
          <>
            <Common answer={compared} rest={rest} looked={looked} />
            {compared.value && <Around records={compared.value.around} about="same services" time={timesOf(compared.value)} />}
            <Logged answer={compared} />
            <Alike answer={compared} />
          </>
        ) : (
          <NoBox query={query} patches={map.value ? pictureOf(map.value).patches : []} onBox={setBox} />
        )}
      </div>
      <Traces of={{ query, ...tracesTime(box), min: box?.low || undefined, max: highest(box) }} boxed={box !== undefined} live={live} />
    </div>
  )
}

interface ShownProps {
  map: Heatmap
  query: string
  box: Box | undefined
  compared: Answer<Comparison>
  narrow: boolean
  holding: Holding | undefined
}

function Shown({ map, query, box, compared, narrow, holding }: ShownProps) {
  const table = useSignal(false)
  useKeys([{ key: 'T', does: 'the picture as a table', run: () => (table.value = !table.value) }])
  const picture = useMemo(() => pictureOf(map), [map])
  const total = map.totals.reduce((sum, t) => sum + t.requests, 0)
  const failed = map.totals.reduce((sum, t) => sum + t.failed, 0)
  const says = standsOut(total, failed, picture.patches, box !== undefined)
  return (
    <>
      {total === 0 ? <NoRequests query={query} /> : <p class="metric-says">{says}</p>}
      {box && outside(picture.grid, box) && <Note>The box, {boxText(box)}, is not in this range.</Note>}
      <Heat picture={picture} height={narrow ? 240 : 300} query={query} box={box} onBox={setBox} known={compared.loading ? undefined : compared.value?.box.total} says={says || 'No requests'} holding={holding} />
      <p class="metric-below">
        {box && <span class="quiet-text">Box: {boxText(box)}</span>}
        <button type="button" class="button quiet" aria-expanded={table.value} onClick={() => (table.value = !table.value)}>
          {table.value ? 'Hide the table' : 'As table'} <kbd class="only-wide">T</kbd>
        </button>
      </p>
      {table.value && <Columns picture={picture} />}
    </>
  )
}

function partial(map: Heatmap): string | undefined {
  if (map.truncated) return 'There was no time to look at all requests: take a shorter range.'
  return map.ignored_matchers?.length ? `Not looked at, since no request says anything about it: ${map.ignored_matchers.join(', ')}.` : undefined
}

// Esc removes the box, z goes into it, Backspace takes the value off whose cells are ringed.
function useBoxKeys(box: Box | undefined, { kept }: Looked): void {
  useKeys([
    ...(kept ? [{ key: 'Backspace', does: 'no longer ring the value', run: () => keep(undefined) }] : []),
    ...(box ? [{ key: 'Escape', does: 'remove the box', run: () => setBox(undefined) }] : []),
    ...(box && Number.isFinite(box.t0) ? [{ key: 'z', does: 'zoom to the box', run: () => change({ from: iso(box.t0), to: iso(box.t1) }) }] : []),
  ])
}

function highest(box: Box | undefined): number | undefined {
  return box && Number.isFinite(box.high) ? box.high : undefined
}

// The time of a box as the API's question has it; a box of the whole time has the range's.
function timeOf(box: Box | undefined): { box_start?: string; box_end?: string } {
  if (!box) return {}
  const { start, end } = tracesTime(box)
  return { box_start: start, box_end: end }
}

function tracesTime(box: Box | undefined): { start: string; end: string } {
  const all = asked()
  return { start: box && Number.isFinite(box.t0) ? iso(box.t0) : all.start, end: box && Number.isFinite(box.t1) ? iso(box.t1) : all.end }
}

function timesOf(c: Comparison): { start: number; end: number } {
  return { start: Date.parse(c.box.start) || range.value.start, end: Date.parse(c.box.end) || range.value.end }
}

function titleOf(query: string, box: Box | undefined, c: Comparison | undefined): string {
  const of = subject(query)
  if (!box) return `Requests of ${of}`
  return `${c ? count(c.box.total) : 'Some'} requests of ${of}, ${boxText(box)}`
}
