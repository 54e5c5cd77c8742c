// The lines: the list with what stands above and below it, and the keys that act on a line.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import { Problem } from '../api/client.ts'
import type { LogPivot, Template } from '../api/types.ts'
import { about } from '../frame/about.ts'
import { change, go, parse, type Settings } from '../frame/address.ts'
import { useKeys, type Key } from '../frame/keys.ts'
import { range } from '../frame/range.ts'
import { say } from '../frame/say.ts'
import { Card, Failure, Note } from '../parts/part.tsx'
import { bodyOf } from '../parts/marks.tsx'
import { count, plural } from '../words/numbers.ts'
import { ago, listed } from '../words/times.ts'
import { LineList } from './line-list.tsx'
import { Details, LineRow, spanOf } from './line-row.tsx'
import { nameOf, nanosOf, ofRecord, twinOf, type Line } from './line.ts'
import { joinList, splitList, toggled } from './list.ts'
import { Nearest } from './nearest.tsx'
import { logqlOf, type Question } from './question.ts'
import { rowsOf, type Row } from './rows.ts'
import { mostKept } from './tail.ts'
import { matcher, shortOf } from './templates.ts'
import type { Lines } from './use-lines.ts'
import { useTail, type Tail } from './use-tail.ts'

/** lateBy is how much later (ms) than their time lines may be stored and still be told by a tail. */
const lateBy = 30_000

interface LinesCardProps {
  question: Question
  params: Settings
  lines: Lines
  templates: Template[]
  /** the line at an address is not among the newest: read up to a later time than its own */
  onFar: (at: number) => void
}

export function LinesCard({ question, params, lines, templates, onFar }: LinesCardProps) {
  const { kept } = lines
  const hide = splitList(params.hide ?? '')
  const hidden = useMemo(() => matcher(templates.filter((t) => hide.includes(shortOf(t)))), [params.hide, templates])
  const pivot = useAround(params, kept.lines, onFar, lines)
  const rows = useMemo(() => rowsOf(kept.lines, hidden, pivot), [kept.lines, hidden, pivot])
  const at = rows.findIndex((r) => nameOf(r.line) === params.at)
  const [ends, toEnd] = useState(0)
  const ended = useRef(true)
  const tailing = params.tail === '1' && range.value.relative
  const tail = useTail(tailing && lines.of ? logqlOf(question) : '', {
    since: () => sinceOf(kept.lines),
    fresh: (told) => unknownOf(unknownOf(told, kept.lines), kept.waiting),
    take: (fresh) => lines.add(fresh, !ended.current),
  })
  const newest = () => {
    lines.release()
    toEnd((n) => n + 1)
  }
  useLineKeys(rows, at, params, templates, newest)
  const wrap = params.wrap === '1'
  const open = params.open === '1' ? rows[at]?.line.key : undefined
  const [whole, setWhole] = useState('')
  const flexible = useMemo(() => (row: Row) => wrap || row.line.key === open, [wrap, open])
  const narrow = useNarrow()
  const draw = ({ line, around }: Row, index: number, signs: number) => (
    <LineRow
      key={line.key}
      line={line}
      index={index}
      signs={signs}
      selected={index === at}
      around={around}
      wrapped={wrap}
      details={line.key === open && <Details line={line} attrs={question.attrs} whole={whole === line.key} onWhole={() => setWhole(line.key)} />}
      onSelect={() => select(line, params)}
    />
  )
  return (
    <Card title="Lines" about="oldest first" class="lines" aside={<Takes params={params} tailing={tailing} />}>
      {lines.loading && <div class="part-bar" />}
      {lines.slow && (
        <Note>
          reading lines …{' '}
          <button type="button" class="button" onClick={lines.cancel}>
            Cancel
          </button>
        </Note>
      )}
      {lines.problem && <Failure problem={lines.problem} again={lines.again} />}
      {lines.of !== '' && rows.length === 0 && !lines.loading && (lines.cutShort ? <CutShort lines={lines} /> : kept.lines.length > 0 ? <AllHidden /> : <Nearest question={question} />)}
      <div class={`lines-frame fades${lines.loading ? ' part-old' : ''}`}>
        {rows.length > 0 && (
          <LineList
            rows={rows}
            at={at}
            height={narrow ? 46 : 25}
            flexible={flexible}
            draw={draw}
            of={`${lines.of} ${ends}`}
            top={<Top lines={lines} />}
            bottom={tailing ? null : <Bottom lines={lines} />}
            onTop={lines.loadOlder}
            onEnd={(is) => {
              ended.current = is
              if (is) lines.release()
            }}
          />
        )}
      </div>
      {tailing && <TailBar tail={tail} waiting={kept.waiting.length} dropped={kept.dropped} newest={newest} />}
    </Card>
  )
}

// A line that is clicked is selected with the lines around it; another click lets it go.
function select(line: Line, params: Settings): void {
  const name = nameOf(line)
  const again = params.at === name && params.around
  change({ at: name, around: again ? '' : '10', open: params.at === name ? (params.open ?? '') : '' }, 'replace')
}

function sinceOf(lines: Line[]): string {
  const newest = lines.at(-1)
  return newest ? String(BigInt(nanosOf(newest.time)) - BigInt(lateBy) * 1_000_000n) : `${range.value.start}000000`
}

// What a tail tells and the API told before is one line.
function unknownOf(fresh: Line[], known: Line[]): Line[] {
  const first = fresh[0]
  if (!first) return fresh
  const twins = new Set<string>()
  for (let i = known.length - 1; i >= 0 && (known[i] as Line).time >= first.time; i--) twins.add(twinOf(known[i] as Line))
  return fresh.filter((l) => !twins.has(twinOf(l)))
}

// The lines around the one that the address names, of its service.
function useAround(params: Settings, known: Line[], onFar: (at: number) => void, { of, loading }: Lines) {
  const line = known.find((l) => nameOf(l) === params.at)
  const wanted = params.at !== undefined && (Boolean(params.around) || (!line && !loading && of !== ''))
  const by = line && !line.id ? { time: line.time, service: line.service, body: bodyOf(line.body).slice(0, 200) } : { id: params.at }
  const named = line || !/^\d+$/.test(params.at ?? '')
  const answer = useAnswer<LogPivot>(wanted && named ? 'api/v1/pivot/log' : null, { ...by, lines: Number(params.around) || 10 })
  const value = wanted ? answer.value : undefined
  useEffect(() => {
    if (value && !line && !loading && value.log.id === params.at) onFar(ofRecord(value.log).at)
  }, [value, line, loading])
  return useMemo(() => {
    if (!value || !params.around) return undefined
    const log = line ?? ofRecord(value.log)
    if (value.log.id !== params.at && (!line || line.time !== value.log.time)) return undefined
    return { key: log.key, lines: [...value.before.map(ofRecord), log, ...value.after.map(ofRecord)] }
  }, [value, line, params.around])
}

function useLineKeys(rows: Row[], at: number, params: Settings, templates: Template[], newest: () => void): void {
  const line = rows[at]?.line
  const move = (by: number) => {
    const to = rows[at < 0 ? rows.length - 1 : Math.max(0, Math.min(rows.length - 1, at + by))]
    if (to) change({ at: nameOf(to.line), around: '', open: '' }, 'replace')
  }
  const hideOne = () => {
    const template = line && templates.find((t) => matcher([t])(line))
    if (template) change({ hide: joinList(toggled(splitList(params.hide ?? ''), shortOf(template))) })
    else say(line ? 'This line has no template.' : 'Select a line first.')
  }
  const keys: Key[] = [
    { key: 'j', does: 'next line', run: () => move(1) },
    { key: 'k', does: 'line before', run: () => move(-1) },
    { key: 'x', does: 'lines around it, of its service', run: () => line && change({ around: params.around ? '' : '10' }, 'replace') },
    { key: 'o', does: 'the whole line, with its attributes', run: () => line && change({ open: params.open ? '' : '1' }, 'replace') },
    { key: 'v', does: 'hide lines of its template', run: hideOne },
    { key: 'w', does: 'wrap lines, or cut them', run: () => change({ wrap: params.wrap ? '' : '1' }, 'replace') },
    { key: 'Enter', does: 'its span', run: () => line && spanOf(line) && go(parse(spanOf(line))) },
    { key: 'G', does: 'the newest line', run: newest },
    { key: '.', does: 'tail: lines as they come, or stop', run: () => tailOrStop(params) },
  ]
  if (params.at) keys.push({ key: 'Escape', does: 'let the line go', run: () => change(params.open ? { open: '' } : params.around ? { around: '' } : { at: '' }, 'replace') })
  useKeys(keys)
}

function tailOrStop(params: Settings): void {
  if (params.tail === '1') change({ tail: '' }, 'replace')
  else change({ tail: '1', ...(!range.value.relative && { from: 'now-15m', to: '' }) })
}

function Takes({ params, tailing }: { params: Settings; tailing: boolean }) {
  return (
    <span class="lines-keys">
      <span class="only-wide quiet-text">
        <kbd>x</kbd> lines around <kbd>o</kbd> the whole line <kbd>Enter</kbd> its span
      </span>
      <button type="button" class="button quiet" aria-pressed={params.wrap === '1'} onClick={() => change({ wrap: params.wrap ? '' : '1' }, 'replace')}>
        Wrap <kbd class="only-wide">w</kbd>
      </button>
      <button type="button" class="button quiet" aria-pressed={tailing} onClick={() => tailOrStop(params)}>
        Tail <kbd class="only-wide">.</kbd>
      </button>
    </span>
  )
}

function Top({ lines }: { lines: Lines }) {
  const { older } = lines
  if (older instanceof Problem) return <Failure problem={older} again={lines.loadOlder} />
  if (older === 'loading') return <p class="lines-edge">reading older lines …</p>
  if (older === 'full') return <Note>{count(mostKept)} lines are as many as are shown here. Choose a shorter time, a level or a service to see older ones.</Note>
  if (older === 'more')
    return (
      <p class="lines-edge">
        <button type="button" class="button quiet" onClick={lines.loadOlder}>
          Read older lines
        </button>
      </p>
    )
  const keeps = about.value?.retention.logs_ns
  const dropped = keeps && range.value.start < Date.now() - keeps / 1e6
  return <p class="lines-edge">{dropped ? `Log lines are kept for ${Math.round(keeps / 864e11)} days: older ones were dropped.` : 'The first line of this time.'}</p>
}

function Bottom({ lines }: { lines: Lines }) {
  const { relative } = range.value
  const last = lines.kept.lines.at(-1)
  if (!last) return null
  return (
    <p class="lines-edge">
      Up to {listed(last.at)}.{' '}
      {relative && (
        <button type="button" class="button quiet" onClick={lines.again}>
          Read newer lines
        </button>
      )}
    </p>
  )
}

function CutShort({ lines }: { lines: Lines }) {
  return (
    <Note>
      Nothing was found in ten seconds, and not all was looked at.{' '}
      <button type="button" class="button" onClick={lines.loadOlder}>
        Look on
      </button>
    </Note>
  )
}

function AllHidden() {
  return (
    <Note>
      All lines that were read are of templates that you hid.{' '}
      <button type="button" class="button" onClick={() => change({ hide: '' })}>
        Show them
      </button>
    </Note>
  )
}

function TailBar({ tail, waiting, dropped, newest }: { tail: Tail; waiting: number; dropped: number; newest: () => void }) {
  return (
    <p class="tail-bar" role="status">
      {tail.stopped || (tail.last === 0 ? 'Waiting for lines.' : `The last line came ${ago(tail.last)}.`)}
      {tail.oneIn > 1 && <strong>1 in {tail.oneIn} shown: more come than can be read.</strong>}
      {dropped > 0 && <span>{plural(dropped, 'older line')} left the list.</span>}
      {waiting > 0 && (
        <button type="button" class="button" onClick={newest}>
          {count(waiting)} new
        </button>
      )}
    </p>
  )
}

function useNarrow(): boolean {
  const [narrow, set] = useState(() => matchMedia('(max-width: 699px)').matches)
  useEffect(() => {
    const query = matchMedia('(max-width: 699px)')
    const changed = () => set(query.matches)
    query.addEventListener('change', changed)
    return () => query.removeEventListener('change', changed)
  }, [])
  return narrow
}
