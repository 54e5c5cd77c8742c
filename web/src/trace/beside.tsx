// What stands beside the waterfall: where the time went, lines without a trace id, what the trace tells of itself, spellings.
import { useAnswer } from '../api/answer.ts'
import type { Logs } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { iso } from '../frame/range.ts'
import { Level, ServiceMark, bodyOf, shown } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { duration, exactly, plural, share } from '../words/numbers.ts'
import { full, listed, ms } from '../words/times.ts'
import { saying } from '../words/saying.ts'
import { after, before, nearest } from './around.ts'
import { Copy } from './copy.tsx'
import { Flag, has, type Trace } from './model.ts'
import { whereTimeWent } from './path.ts'
import { spellingsOf } from './spellings.ts'

/** At most so many operations are listed, and those only that hold a part of the path that counts. */
const [mostSpent, leastSpent] = [7, 0.0025]

export function WhereTimeWent({ t, onSpan }: { t: Trace; onSpan: (span: number) => void }) {
  const all = whereTimeWent(t)
  const shownOnes = all.filter((s, i) => i === 0 || s.share >= leastSpent).slice(0, mostSpent)
  return (
    <Card title="Where the time went" about="on the critical path" class="trace-first">
      <ul class="spent">
        {shownOnes.map((s) => (
          <li key={`${s.service} ${s.name}`}>
            <button type="button" class="spent-row" onClick={() => onSpan(s.span)} title={`${shown(s.service)}: to the span that holds most of it`}>
              <ServiceMark service={s.service} />
              <span class="mono cut">{shown(s.name)}</span>
              <span title={exactly(s.took)}>{duration(s.took)}</span>
              <span class="quiet-text spent-share">{share(s.share)}</span>
            </button>
            <svg class="spent-bar" aria-hidden="true" width="100%" height="2.5">
              <rect width={`${100 * s.share}%`} height="2.5" />
            </svg>
          </li>
        ))}
      </ul>
      {all.length > shownOnes.length && <p class="empty">{plural(all.length - shownOnes.length, 'more operation')} took less.</p>}
      {all.length === 0 && <Empty>No span here is waited for by the root.</Empty>}
    </Card>
  )
}

export function AroundThen({ t }: { t: Trace }) {
  const begin = ms(t.start)
  const [start, end] = [iso(begin - before), iso(begin + t.duration / 1e6 + after)]
  const answer = useAnswer<Logs>('api/v1/logs', { joined: 'no', service: t.services.slice(0, 50), level: ['warn', 'error', 'fatal'], start, end, limit: 200 })
  return (
    <Card title="Around then, without a trace id" about="same services" class="trace-second">
      <Part
        answer={answer}
        lines={2}
        reading="looking for lines without a trace id"
        partial={(a) => a.next_cursor && 'There are more of them; these are of the newest 200.'}
        empty={(a) =>
          a.logs.length === 0 ? (
            <Empty>
              None from a minute before. <a href={href('logs', { joined: 'no', services: t.services.join(','), from: start, to: end })}>All lines without a trace id</a>
            </Empty>
          ) : undefined
        }
      >
        {(a) => (
          <ul class="around">
            {nearest(a.logs, begin).map((l) => (
              <li key={l.id}>
                <Level severity={l.severity} /> <ServiceMark service={l.service} />{' '}
                <a class="mono" href={href('logs', { at: l.id, joined: 'no', services: l.service, from: start, to: end })} title={full(l.time)}>
                  {listed(ms(l.time))}
                </a>
                <p class="mono">{shown(saying(bodyOf(l.body)).slice(0, 500))}</p>
              </li>
            ))}
          </ul>
        )}
      </Part>
    </Card>
  )
}

/** ToldByThisTrace is what is odd about the trace. */
export function ToldByThisTrace({ t }: { t: Trace }) {
  const moved = t.flags.filter((f) => f & Flag.skewed).length
  const notWaited = t.flags.filter((f) => f & Flag.asynchronous).length
  const facts = [
    t.missing.length > 0 && `${plural(t.missing.length, 'parent')} of ${plural(t.missing.reduce((n, m) => n + m.children.length, 0), 'span')} ${t.missing.length === 1 ? 'is' : 'are'} not here: not arrived yet, sampled away, or never sent.`,
    moved > 0 && `${plural(moved, 'span')} ${moved === 1 ? 'was' : 'were'} moved to one clock, by up to ${duration(mostMoved(t))}.`,
    notWaited > 0 && `${plural(notWaited, 'span')} ${notWaited === 1 ? 'is' : 'are'} not waited for: hollow bars.`,
    t.duplicates.length > 0 && `${plural(t.duplicates.length, 'span id')} came more than once: ${t.duplicates.slice(0, 3).join(', ')}.`,
    ...t.cycles.slice(0, 3).map((ring) => `${plural(ring.length, 'span')} name each other as parents, in a ring; it is opened at the earliest, ${ring[0]}.`),
    t.unattached.length > 0 && t.count > 0 && `${plural(t.unattached.length, 'log line')} ${t.unattached.length === 1 ? 'is' : 'are'} of no span here: at the end of the list.`,
  ].filter((f): f is string => typeof f === 'string')
  if (facts.length === 0) return null
  return (
    <Card title="Told by this trace">
      <ul class="told">
        {facts.map((f) => (
          <li key={f}>{f}</li>
        ))}
      </ul>
    </Card>
  )
}

function mostMoved(t: Trace): number {
  let most = 0
  for (let i = 0; i < t.count; i++) if (has(t, i, Flag.skewed)) most = Math.max(most, Math.abs(t.skew[i] as number))
  return most
}

export function Spellings({ id }: { id: string }) {
  return (
    <Card title="Same trace, other spellings">
      <dl class="pairs">
        {spellingsOf(id).map((s) => (
          <div key={s.system}>
            <dt>{s.system}</dt>
            <dd>
              <span class="mono cut" title={s.id}>
                {s.id}
              </span>
              <Copy text={s.id} of={`the id as ${s.system} writes it`} />
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}
