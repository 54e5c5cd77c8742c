// Reads traces beside the page, so that one of 20,000 spans does not hold it up; finds words in them, and tells of
// single spans what slim traces leave out.
import { Problem, ask } from '../api/client.ts'
import type { SlimTrace, Span, TracePivot, TraceSpan } from '../api/types.ts'
import { differing, type Details } from './details.ts'
import { found, haystackOf, withAttributes, type Haystack } from './find.ts'
import { Flag, has, read, type Trace } from './model.ts'
import type { Answers, Failed, Question } from './reader.ts'

/** wholeUpTo is the number of spans up to which one span's details are told from the whole trace: then its siblings' are known, too. */
const wholeUpTo = 2000

let at = '' // the address of the trace
let trace: Trace | undefined
let hay: Haystack = []
let whole: Promise<Span[]> | undefined

const answers: { [K in keyof Answers]: (q: Question<K>) => Promise<Answers[K]> } = {
  read: async ({ url }) => {
    at = url
    whole = undefined
    trace = read(await ask<SlimTrace>(url, { slim: 1 }))
    hay = haystackOf(trace)
    return trace
  },
  find: async ({ text }) => found(hay, text),
  attributes: async () => {
    hay = withAttributes(hay, await wholeSpans())
    return true
  },
  details: async ({ span }) => {
    const t = trace as Trace
    if (t.count <= wholeUpTo) return differing(t, await wholeSpans(), span)
    const { spans } = await ask<TraceSpan>(`${at}/span`, { span_id: t.spanIds[span] as string })
    const sides = spans.filter((s) => (s.shared ?? false) === has(t, span, Flag.shared))
    return { span: (sides[0] ?? spans[0]) as Span, differs: [], siblings: 0 } satisfies Details
  },
}

// wholeSpans are the spans with all that is known of them, asked for once. They are in the order of the slim trace, unless
// spans came in between.
function wholeSpans(): Promise<Span[]> {
  whole ??= ask<TracePivot>(at).then(({ spans }) => {
    const ids = (trace as Trace).spanIds
    const byId = new Map<string, Span[]>()
    for (const s of spans) byId.set(s.span_id, [...(byId.get(s.span_id) ?? []), s])
    return ids.map((id) => {
      const sides = byId.get(id) ?? []
      return (sides.length > 1 ? sides.shift() : sides[0]) as Span
    })
  })
  return whole
}

onmessage = (event: MessageEvent<Question<keyof Answers> & { number: number }>) => {
  const { number, ...question } = event.data
  const answer = answers[question.does] as (q: typeof question) => Promise<unknown>
  answer(question).then(
    (value) => postMessage({ number, value }),
    (failure: unknown) => {
      const problem: Failed =
        failure instanceof Problem
          ? { status: failure.status, detail: failure.detail, missing: failure.missing }
          : { status: 0, detail: failure instanceof Error ? failure.message : String(failure), missing: undefined }
      postMessage({ number, problem })
    },
  )
}
