// The spikes, newest first; a row is one link: to the metric, with the spike's box drawn.
import { useSignal } from '@preact/signals'
import type { Answer } from '../api/answer.ts'
import type { Spikes } from '../api/types.ts'
import { go, href, next } from '../frame/address.ts'
import { range } from '../frame/range.ts'
import { Service, ServiceMark, shown } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { useRows } from '../parts/rows.ts'
import { Spark } from '../parts/spark.tsx'
import { clockTime, lengthOf, ms } from '../words/times.ts'
import { barsOf, boxOf, numberOf, type Row } from './spikes.ts'

/** most is how many rows are shown before the reader asks for more. */
const most = 8

export function SpikeList({ answer, rows }: { answer: Answer<Spikes>; rows: Row[] }) {
  const all = useSignal(false)
  const list = all.value ? rows : rows.slice(0, most)
  const [at] = useRows(list.length, (i) => {
    const row = list[i]
    if (row) go(next('metric', boxOf(row.spike)))
  })
  const length = lengthOf(range.value.end - range.value.start)
  return (
    <Card title="Spikes" about="newest first, against the usual of the same operation">
      <Part answer={answer} lines={3} empty={(v) => (rows.length === 0 ? <Empty>{v.hint ?? `Nothing unusual in the last ${length}.`}</Empty> : undefined)}>
        {() => (
          <>
            <ol class="spikes">
              {list.map((row, i) => (
                <SpikeRow key={`${row.spike.start} ${row.spike.service} ${row.spike.name} ${row.spike.kind}`} row={row} index={i} at={i === at} />
              ))}
            </ol>
            {rows.length > most && (
              <button type="button" class="button quiet" onClick={() => (all.value = !all.value)}>
                {all.value ? `The newest ${most} only` : `${rows.length - most} more`}
              </button>
            )}
          </>
        )}
      </Part>
    </Card>
  )
}

function SpikeRow({ row, index, at }: { row: Row; index: number; at: boolean }) {
  const { spike, all, behind } = row
  const { now, usual } = numberOf(spike)
  const bad = spike.kind === 'errors'
  return (
    <li>
      <a class={`spike${bad ? ' spike-failed' : ''}${at ? ' at' : ''}`} data-row={index} href={href('metric', boxOf(spike))}>
        <span class="spike-time mono faint">
          {clockTime(ms(spike.start))} – {clockTime(ms(spike.end))}
        </span>
        <span class="spike-operation">
          <Service name={spike.service} /> <span class="mono cut">{shown(spike.name)}</span>
        </span>
        <span class="spike-number">
          <span class={bad ? 'failed' : 'unusual'}>{now}</span> <span class="faint">{all.length > 1 ? repeated(all) : usual}</span>
        </span>
        <span class="spike-course only-wide">
          <Spark bars={barsOf(row)} width={220} height={24} says={`${shown(spike.service)} ${shown(spike.name)} over the range, ${all.length === 1 ? 'this spike' : 'these spikes'} marked`} />
        </span>
        <span class="spike-behind only-wide" title={behind.length ? `also ${behind.join(', ')}` : undefined}>
          {behind.slice(0, 6).map((s) => (
            <ServiceMark key={s} service={s} />
          ))}
        </span>
        <span class="spike-lead">
          <span class="only-wide">What they have in common </span>→
        </span>
      </a>
    </li>
  )
}

function repeated(all: Row['all']): string {
  const first = all[all.length - 1]
  const lengths = all.map((s) => ms(s.end) - ms(s.start)).sort((a, b) => a - b)
  return first ? `${all.length} times since ${clockTime(ms(first.start)).slice(0, 5)}, each about ${lengthOf(lengths[lengths.length >> 1] ?? 0)}` : ''
}
