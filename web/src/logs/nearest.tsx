// No line fits: what was looked for, and the nearest line before and after.
import { useAnswer } from '../api/answer.ts'
import { change } from '../frame/address.ts'
import { iso, range } from '../frame/range.ts'
import { LastSeen } from '../parts/last-seen.tsx'
import { Empty } from '../parts/part.tsx'
import { listed, stretch } from '../words/times.ts'
import { nameOf, ofStreams, type Line, type Streams } from './line.ts'
import { logqlOf, type Question } from './question.ts'
import { whatOf } from './sentence.ts'
import { useBounds } from './use-counts.ts'

const day = 86_400_000

interface Found {
  data: { result: Streams[] }
}

export function Nearest({ question }: { question: Question }) {
  const { relative } = range.value
  const { start, end } = useBounds()
  const query = logqlOf(question)
  const before = useAnswer<Found>('loki/api/v1/query_range', { query, limit: 1, direction: 'backward', start: nanos(start - 7 * day), end: nanos(start) })
  const after = useAnswer<Found>(relative ? null : 'loki/api/v1/query_range', { query, limit: 1, direction: 'forward', start: nanos(end), end: nanos(end + 7 * day) })
  const last = before.value && ofStreams(before.value.data.result)[0]
  const next = after.value && ofStreams(after.value.data.result)[0]
  return (
    <Empty>
      No line ({whatOf(question)}) in {stretch(start, end)}. {last && <There line={last} is="The last was" />} {next && <There line={next} is="The next was" />}
      {before.value && !last && (relative || (after.value && !next)) && (
        <>
          There was none in the 7 days before{!relative && ', nor in the 7 days after'}. <LastSeen />
        </>
      )}
    </Empty>
  )
}

function There({ line, is }: { line: Line; is: string }) {
  const { start, end } = range.value
  const half = (end - start) / 2
  return (
    <>
      {is} at {listed(line.at)}:{' '}
      <button type="button" class="button" onClick={() => change({ from: iso(line.at - half), to: iso(line.at + half), at: nameOf(line), tail: '' })}>
        go there
      </button>
    </>
  )
}

function nanos(ms: number): string {
  return `${Math.floor(ms)}000000`
}
