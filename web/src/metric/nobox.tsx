// What stands beside a heatmap without a box: what stands out, how to draw a box, and how requests spread.
import { useAnswer } from '../api/answer.ts'
import type { SpanVolume } from '../api/types.ts'
import { asked } from '../frame/range.ts'
import { Card, Empty, Part } from '../parts/part.tsx'
import { shown } from '../parts/marks.tsx'
import { count, plural } from '../words/numbers.ts'
import type { Box } from './box.ts'
import { parseRequests, type Requests } from './selector.ts'
import { boxText } from './sentences.ts'
import type { Patch } from './shade.ts'

/** mostRows is how many operations are shown, mostPatches how many places. */
const [mostRows, mostPatches] = [8, 6]

interface NoBoxProps {
  query: string
  patches: Patch[]
  onBox: (box: Box) => void
}

export function NoBox({ query, patches, onBox }: NoBoxProps) {
  const requests = parseRequests(query)
  const latest = patches.slice(0, mostPatches).sort((a, b) => b.box.t0 - a.box.t0)
  return (
    <>
      <Card title="What stands out" about={patches.length > 0 ? 'choose one to see what it has in common' : undefined}>
        {patches.length === 0 && <Empty>Nothing unusual in this range.</Empty>}
        <ul>
          {latest.map((p) => (
            <li key={p.box.t0 + p.box.low}>
              <button type="button" class="common-value" onClick={() => onBox(p.box)}>
                <span class="mono">{boxText(p.box)}</span>
                <span class="unusual">{plural(p.requests, 'request')}</span>
              </button>
            </li>
          ))}
        </ul>
        <p class="common-rest quiet-text">
          <span class="only-wide">
            Or drag a box over the picture; or click a cell, and the opposite one with <kbd>Shift</kbd>; or press <kbd>b</kbd> and use the arrows.
          </span>
          <span class="only-narrow">Or hold a finger on the picture, then drag a box; a tap takes one cell.</span>
        </p>
      </Card>
      {requests && <Spread requests={requests} />}
    </>
  )
}

// How all requests spread over operations, or services where none is chosen.
function Spread({ requests }: { requests: Requests }) {
  const kind = requests.kind.replace('SPAN_KIND_', '').toLowerCase()
  const by = requests.service ? 'name' : 'service'
  const answer = useAnswer<SpanVolume>('api/v1/spans/volume', { service: requests.service, kind, name: requests.operation, by, step: '1h', ...asked() })
  return (
    <Card title="How they spread" about={by === 'name' ? 'over operations' : 'over services'}>
      <Part answer={answer} lines={4} empty={(found) => (found.volumes.length === 0 ? <Empty>No request in this range.</Empty> : undefined)}>
        {(found) => {
          const rows = [...found.volumes].sort((a, b) => b.spans - a.spans)
          const most = rows[0]?.spans ?? 1
          return (
            <ul class="common-lines">
              {rows.slice(0, mostRows).map((v) => (
                <li key={`${v.service} ${v.name}`}>
                  <span class="common-counts">
                    <span class="mono common-text">{shown(v.name ?? v.service ?? '')}</span>
                    <span>
                      {count(v.spans)}
                      {v.failed > 0 && <span class="failed">, {count(v.failed)} failed</span>}
                    </span>
                  </span>
                  <svg class="common-bars" width="100%" height="5" aria-hidden="true">
                    <rect class="common-others" width={`${(100 * v.spans) / most}%`} height="5" />
                    <rect class="common-failed" width={`${(100 * v.failed) / most}%`} height="5" />
                  </svg>
                </li>
              ))}
              {rows.length > mostRows && <li class="quiet-text">and {count(rows.length - mostRows)} more</li>}
            </ul>
          )
        }}
      </Part>
    </Card>
  )
}
