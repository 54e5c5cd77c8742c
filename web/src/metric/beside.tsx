// What stands beside a comparison: lines without a trace id, and what is no different.
import type { Answer } from '../api/answer.ts'
import { useAnswer } from '../api/answer.ts'
import type { Comparison, LogRecord, Logs } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { iso } from '../frame/range.ts'
import { Card } from '../parts/part.tsx'
import { bodyOf, Level, ServiceMark, shown } from '../parts/marks.tsx'
import { clockTime, full, ms } from '../words/times.ts'
import { saying } from '../words/saying.ts'
import { alike } from './sentences.ts'

/** before is how long before a time lines may tell its cause, in ms. */
const before = 60_000

interface Time {
  start: number
  end: number
}

/** Around are lines of the same services without a trace id, from a little before. */
export function Around({ records, about, time }: { records: LogRecord[]; about: string; time: Time }) {
  if (records.length === 0) return null
  const range = { from: iso(time.start - before), to: iso(time.end) }
  return (
    <Card title="Around then, without a trace id" about={about}>
      <ul class="common-lines">
        {records.map((r) => (
          <li key={r.id}>
            <a class="around" href={href('logs', { ...range, joined: 'no', services: r.service, at: r.id })}>
              <span class="common-line">
                <Level severity={r.severity} /> <ServiceMark service={r.service} /> <span class="mono quiet-text" title={full(r.time)}>{clockTime(ms(r.time), true)}</span>
                <span class="heard">{shown(r.service)}</span>
              </span>
              <span class="mono around-text">{shown(saying(bodyOf(r.body)))}</span>
            </a>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** AroundTime asks for such lines of any service, where no comparison tells them. */
export function AroundTime({ time }: { time: Time }) {
  const answer = useAnswer<Logs>('api/v1/logs', { joined: 'no', severity: 'warn', start: iso(time.start - before), end: iso(time.end), limit: 3 })
  return <Around records={answer.value?.logs ?? []} about="all services" time={time} />
}

/** Alike are the values that people ask about first, so that they need not. */
export function Alike({ answer }: { answer: Answer<Comparison> }) {
  const c = answer.value
  const lines = c && !c.too_few ? alike(c) : []
  if (lines.length === 0) return null
  return (
    <Card title="What is no different">
      <table class="alike">
        <thead class="heard">
          <tr>
            <th scope="col">value</th>
            <th scope="col">in the box</th>
            <th scope="col">others</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((l) => (
            <tr key={`${l.key} ${l.value}`}>
              <td>
                <span class="mono quiet-text">{shown(l.key)}</span> <span class="mono">{shown(l.value)}</span>
              </td>
              <td class="number">{l.box}</td>
              <td class="number">{l.others}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  )
}
