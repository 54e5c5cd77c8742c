// The Logs view: what was said? Facets, the lines over time, their templates, and the lines.
import './logs.css'
import { useMemo, useState } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { LogTemplates } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { explore } from '../frame/grafana.ts'
import { useHand } from '../frame/hand.ts'
import { asked, iso } from '../frame/range.ts'
import { shown } from '../parts/marks.tsx'
import { Note, Part } from '../parts/part.tsx'
import { facetsOf, histogram, templateStepFor, type Counts } from './counts.ts'
import { Facets } from './facets.tsx'
import { Histogram } from './histogram.tsx'
import { until } from './jump.ts'
import type { Line } from './line.ts'
import { LinesCard } from './lines-card.tsx'
import { splitList } from './list.ts'
import { countedByMinute, logqlOf, paramsOf, readQuestion, type Question } from './question.ts'
import { howMany, whatOf } from './sentence.ts'
import { sqlOf } from './sql.ts'
import { Templates } from './template-list.tsx'
import { templatesOf } from './templates.ts'
import { useBounds, useCounts, useJoined } from './use-counts.ts'
import { useLines } from './use-lines.ts'

export default function Logs() {
  const { params } = address.value
  const question = readQuestion(params)
  const counts = useCounts(question)
  const facets = counts.value && facetsOf(counts.value, question)
  const joined = useJoined(question, counts.value)
  const [jump, setJump] = useState({ to: '', upTo: 0 })
  const lines = useLines(question, jump.to === params.at ? jump.upTo : 0)
  const templates = useTemplates(question, lines.kept.lines, lines.loading)
  const attributes = useMemo(() => offered(lines.kept.lines), [lines.kept.lines])
  const title = facets ? `${howMany(facets.matched, facets.total)}: ${whatOf(question)}` : `Lines: ${whatOf(question)}`
  const { start, end } = useBounds()
  useHand({
    title,
    ask: question.kind === 'logql' ? { path: 'loki/api/v1/query_range', params: { query: logqlOf(question), start: asked().start, end: asked().end } } : { path: 'api/v1/logs', params: { ...paramsOf(question), ...asked() } },
    sql: sqlOf(question, iso(start), iso(end)),
    grafana: explore('plait-loki', { expr: logqlOf(question) }),
  })
  const far = (at: number) => {
    if (!counts.value || jump.to === params.at || at < start || at >= end) return
    setJump({ to: params.at ?? '', upTo: until(histogram(counts.value, question.services), counts.value.step, at, end) })
  }
  const all = params.group === 'templates'
  // A query that cannot be read is told once, where the lines would be.
  const refused = question.kind === 'logql' && lines.problem?.status === 400
  return (
    <div class="view logs">
      <h1 class="heard">{shown(title)}</h1>
      {question.wrong && <Note>{question.wrong}. It was left out.</Note>}
      <div class="logs-sides">
        <Sides>
          <Facets question={question} known={facets} joined={joined} attributes={attributes} />
        </Sides>
        <div class="stack logs-main">
          <section class="card" aria-label="Lines over time">
            <Ask question={question} />
            {!refused && (
              <Part answer={counts} lines={2} reading="counting lines">
                {(c: Counts) => <Histogram columns={histogram(c, question.services)} step={c.step} end={c.end} />}
              </Part>
            )}
          </section>
          {!refused && <Templates answer={templates} hidden={splitList(params.hide ?? '')} all={all} matched={countedByMinute(question) ? facets?.matched : lines.kept.lines.length} />}
          {!all && <LinesCard question={question} params={params} lines={lines} templates={templates.value?.templates ?? []} onFar={far} />}
        </div>
      </div>
    </div>
  )
}

// On narrow screens the facets are folded: the lines come first.
function Sides({ children }: { children: preact.ComponentChildren }) {
  return (
    <details class="logs-side" open={matchMedia('(min-width: 700px)').matches}>
      <summary class="only-narrow">Filters</summary>
      {children}
    </details>
  )
}

// What is asked for, as it was typed: an id, LogQL or words.
function Ask({ question }: { question: Question }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('q') as HTMLInputElement
    change({ q: field.value.trim(), at: '', around: '', open: '' })
  }
  const asLogQL = () => change({ q: logqlOf(question), level: '', services: '', joined: '', attr: '', at: '', around: '', open: '' })
  const kinds = { all: '', words: 'words', id: 'id', logql: 'LogQL' }
  return (
    <form class="logs-ask" onSubmit={submit} role="search" aria-label="Log lines">
      <input
        key={question.q}
        name="q"
        class="search-field mono"
        aria-label="Words, an id or LogQL"
        placeholder={logqlOf(question)}
        defaultValue={question.q}
        autocomplete="off"
        spellcheck={false}
        onKeyDown={(e) => e.key === 'Escape' && (e.stopPropagation(), e.currentTarget.blur())}
      />
      <span class="quiet-text">{kinds[question.kind]}</span>
      {question.kind !== 'logql' && (
        <button type="button" class="button quiet only-wide" title="Write the question as LogQL, to go on with it" onClick={asLogQL}>
          As LogQL
        </button>
      )}
    </form>
  )
}

// Templates of all lines where they are counted; or else those of the lines that are read.
function useTemplates(question: Question, lines: Line[], loading: boolean) {
  const { start, end } = useBounds()
  const counted = countedByMinute(question) && question.joined === ''
  const params = { level: question.levels, service: question.services, course: true, step: `${templateStepFor(end - start) / 1000}s`, limit: 500, ...asked() }
  const answer = useAnswer<LogTemplates>(counted ? 'api/v1/log-templates' : null, params, { live: true })
  const own = useMemo((): LogTemplates => {
    const templates = templatesOf(counted ? [] : lines)
    return { start: iso(start), end: iso(end), step_ns: 0, templates, total: templates.length }
  }, [counted, lines, start, end])
  if (counted) return answer
  return { ...answer, loading, ...(!(loading && lines.length === 0) && { value: own }) }
}

// Attributes that the lines have, the most frequent first, as one writes them to choose by them.
function offered(lines: Line[]): string[] {
  const found = new Map<string, number>()
  for (const { attributes } of lines.slice(-1000)) {
    for (const [name, value] of Object.entries(attributes)) {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      if (text.length <= 60) found.set(`${name}=${text}`, (found.get(`${name}=${text}`) ?? 0) + 1)
    }
  }
  return [...found].sort((a, b) => b[1] - a[1]).slice(0, 50).map(([pair]) => pair)
}
