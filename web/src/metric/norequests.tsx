// What an empty heatmap says: what was looked for, and where the last request is.
import { useAnswer } from '../api/answer.ts'
import type { Services } from '../api/types.ts'
import { change } from '../frame/address.ts'
import { iso, range } from '../frame/range.ts'
import { Empty } from '../parts/part.tsx'
import { listed, ms } from '../words/times.ts'
import { subject } from './selector.ts'

export function NoRequests({ query }: { query: string }) {
  const name = subject(query)
  const services = useAnswer<Services>('api/v1/services', { limit: 1000 })
  const service = services.value?.services.find((s) => s.service === name)
  const { start, end } = range.value
  const last = service ? ms(service.last_seen) : NaN
  return (
    <Empty>
      No request of {name} in this range
      {last < start || last >= end ? (
        <>
          ; the last of its telemetry is of {listed(last)}:{' '}
          <button type="button" class="button quiet" onClick={() => change({ from: iso(last - (end - start)), to: iso(last + 1000), box: '' })}>
            go there
          </button>
        </>
      ) : services.value && !service ? (
        <>, and nothing is stored of a service of this name.</>
      ) : (
        '.'
      )}
    </Empty>
  )
}
