// A trace that is here: head, sentence, strip, waterfall and what stands beside it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { TraceUsual } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { shown } from '../parts/marks.tsx'
import { Note } from '../parts/part.tsx'
import { duration, plural } from '../words/numbers.ts'
import { full, listed, ms, zone } from '../words/times.ts'
import { AroundThen, Spellings, ToldByThisTrace, WhereTimeWent } from './beside.tsx'
import { useFind } from './use-find.ts'
import { both, withAbove } from './find.ts'
import { MetricsCard } from './metrics-card.tsx'
import type { Trace } from './model.ts'
import { onPath, segmentsBySpan } from './path.ts'
import { layout } from './rows.ts'
import { outcome, sentence } from './sentence.ts'
import { SpanCard } from './span-card.tsx'
import { choiceOf } from './state.ts'
import { Strip } from './strip.tsx'
import { Tools } from './tools.tsx'
import { useMoves } from './use-moves.ts'
import type { TraceAnswer } from './use-trace.ts'
import { isUnusual, usualOf, type UsualOf } from './usual.ts'
import { Waterfall } from './waterfall.tsx'

/** While the root is not here the trace is read again every so often, for so long (ms). */
const [rereadEvery, rereadFor] = [3000, 30_000]
/** heights of a row, in px; narrow screens have two lines in each */
const [rowHeight, narrowHeight] = [23, 38]

export function Looked({ t, answer }: { t: Trace; answer: TraceAnswer }) {
  const { params } = address.value
  const choice = useMemo(() => choiceOf(params), [params])
  const usual = usualOf(useAnswer<TraceUsual>(t.count > 0 ? `api/v1/pivot/trace/${encodeURIComponent(t.id)}/usual` : null).value)
  const find = useFind(t, answer.reader, choice.find)
  const keep = useMemo(() => both(choice.criticalOnly ? onPath(t) : undefined, choice.matchesOnly && find.matches ? withAbove(t, find.matches) : undefined), [t, choice, find.matches])
  const view = useMemo(() => ({ ...choice, ...(keep && { keep }) }), [choice, keep])
  const rows = useMemo(() => layout(t, view), [t, view])
  const segments = useMemo(() => segmentsBySpan(t), [t])
  const narrow = useNarrow()
  const box = useRef<HTMLDivElement>(null)
  const height = narrow ? narrowHeight : rowHeight
  const moves = useMoves({ t, view, rows, choice, box, height, matches: find.matches })
  const seen: [number, number] = choice.zoom ?? [t.from, t.to]
  const selected = choice.span ? t.spanIds.indexOf(choice.span) : t.main
  useReread(t, answer)

  return (
    <>
      <Head t={t} usual={usual} />
      <Partial t={t} wrong={choice.wrong} />
      <div class="trace-parts">
        <div class="card trace-main">
          {t.count > 0 && <Strip t={t} seen={seen} onZoom={moves.zoom} />}
          <Tools t={t} choice={choice} find={find} moves={moves} />
          <Waterfall
            drawn={{ t, rows, segments, lines: choice.lines, open: choice.open, shut: choice.shut, matches: find.matches }}
            seen={seen}
            at={moves.at}
            height={height}
            box={box}
            onAt={moves.select}
            onToggle={moves.toggle}
            onZoomTo={moves.zoomTo}
            onZoom={moves.zoom}
            onWheel={moves.zoomBy}
          />
        </div>
        <div class="stack trace-beside">
          {t.count > 0 && <WhereTimeWent t={t} onSpan={moves.to} />}
          {selected >= 0 && <SpanCard t={t} span={selected} reader={answer.reader} usual={usual} onFind={(text) => change({ find: text }, 'replace')} />}
          <AroundThen t={t} />
          <ToldByThisTrace t={t} />
          <MetricsCard t={t} span={selected} />
          <Spellings id={t.id} />
        </div>
      </div>
    </>
  )
}

function Head({ t, usual }: { t: Trace; usual: UsualOf }) {
  const root = t.main >= 0 && !t.incomplete ? t.operations[t.operation[t.main] as number] : undefined
  const normal = root ? usual(root) : 0
  const start = ms(t.start)
  return (
    <>
      <div class="headline trace-headline">
        <h1>{shown(outcome(t))}</h1>
        <span class="quiet-text">
          {normal > 0 && (
            <>
              <span class={isUnusual(t.duration, normal) ? 'unusual' : ''}>usually {duration(normal)}</span> ·{' '}
            </>
          )}
          <span title={full(t.start)}>
            {listed(start)} {zone(start)}
          </span>
          {t.count > 0 && (
            <>
              {' '}
              · {plural(t.spanCount, 'span')}, {plural(t.services.length, 'service')}, {t.errorCount > 0 ? `${t.errorCount} failed` : 'none failed'}
            </>
          )}
          , {plural(t.lineCount, 'log line')}
        </span>
      </div>
      <p class="trace-sentence">
        {sentence(t, usual).map((said, i) => (said.strong ? <strong key={i}>{shown(said.text)}</strong> : <span key={i}>{shown(said.text)}</span>))}
      </p>
    </>
  )
}

function Partial({ t, wrong }: { t: Trace; wrong: string[] }) {
  return (
    <>
      {wrong.map((w) => (
        <Note key={w}>{w}.</Note>
      ))}
      {t.truncated && <Note>These are the first {plural(t.count, 'span')} of {plural(Math.max(t.spanCount, t.count + 1), 'span')}: those with log lines, the failed and the longest. Find and folding see only these.</Note>}
      {t.logsTruncated && <Note>These are the first {plural(t.lineCount, 'log line')}; more were stored.</Note>}
      {t.incomplete && t.count > 0 && <Note>The first span has not arrived. The trace is read again for half a minute.</Note>}
      {t.count === 0 && <Note>No span of this trace is here: not arrived yet, or sampled away. Its log lines stand at their times.</Note>}
    </>
  )
}

function useNarrow(): boolean {
  const [narrow, set] = useState(false)
  useEffect(() => {
    const query = matchMedia('(max-width: 699px)')
    const look = () => set(query.matches)
    look()
    query.addEventListener('change', look)
    return () => query.removeEventListener('change', look)
  }, [])
  return narrow
}

function useReread(t: Trace, answer: TraceAnswer): void {
  const since = useRef(Date.now())
  const again = useRef(answer.again)
  again.current = answer.again
  useEffect(() => {
    if (!t.incomplete || answer.loading || Date.now() - since.current > rereadFor) return
    const timer = setTimeout(() => again.current(), rereadEvery)
    return () => clearTimeout(timer)
  }, [t, answer.loading])
}
