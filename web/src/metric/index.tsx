// Metric: which requests are these, and what do they share?
import './metric.css'
import { useEffect } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { SpanVolume } from '../api/types.ts'
import { address, change } from '../frame/address.ts'
import { asked } from '../frame/range.ts'
import { Empty, Part } from '../parts/part.tsx'
import { Picker } from './picker.tsx'
import { RequestsOf } from './requests.tsx'
import { anyRequests, formatRequests, ofRequests } from './selector.ts'
import { SeriesOf } from './series.tsx'

export default function Metric() {
  const query = address.value.params.query ?? ''
  if (query === '') return <Busiest />
  return ofRequests(query) ? <RequestsOf query={query} /> : <SeriesOf query={query} />
}

// Where nobody chose a metric, the service that answers most requests is shown.
function Busiest() {
  const answer = useAnswer<SpanVolume>('api/v1/spans/volume', { by: 'service', kind: 'server', step: '1h', ...asked() })
  const most = [...(answer.value?.volumes ?? [])].sort((a, b) => b.spans - a.spans)[0]?.service
  useEffect(() => {
    if (most) change({ query: formatRequests({ ...anyRequests, service: most, kind: 'SPAN_KIND_SERVER' }) }, 'replace')
  }, [most])
  return (
    <div class="view">
      <h1 class="heard">Metric</h1>
      <section class="card" aria-label="Which requests">
        <Picker query="" />
        <Part answer={answer} lines={8} reading="looking for the busiest service">
          {() => <Empty>No service answered requests in this range. Choose one above, type the name of a metric, or take a longer range.</Empty>}
        </Part>
      </section>
    </div>
  )
}
