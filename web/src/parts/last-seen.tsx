// What a view says of an empty range: where there is something.
import { useAnswer } from '../api/answer.ts'
import type { Services } from '../api/types.ts'
import { change } from '../frame/address.ts'
import { iso, range } from '../frame/range.ts'
import { listed, ms } from '../words/times.ts'

/** LastSeen tells when the newest telemetry of all services was, and leads there; nothing where that is within the range. */
export function LastSeen() {
  const services = useAnswer<Services>('api/v1/services', { limit: 1000 }).value?.services ?? []
  const last = Math.max(...services.map((s) => ms(s.last_seen)))
  const { start, end } = range.value
  if (services.length === 0 || (last >= start && last < end)) return null
  return (
    <>
      The last telemetry is of {listed(last)}:{' '}
      <button type="button" class="button quiet" onClick={() => change({ from: iso(last - (end - start)), to: iso(last + 1000) })}>
        go there
      </button>
    </>
  )
}
