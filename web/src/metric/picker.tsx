// The picker: service, kind, operation and status write the PromQL beside them; any metric can be typed.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import type { Services, SpanVolume } from '../api/types.ts'
import { change } from '../frame/address.ts'
import { asked } from '../frame/range.ts'
import { ServiceMark, shown } from '../parts/marks.tsx'
import { anyRequests, formatRequests, kinds, parseRequests, statuses, type Requests } from './selector.ts'

/** mostNames bounds what the browser is given to choose from. */
const mostNames = 2000

/** pick shows another metric: the box is of the one before. */
function pick(query: string): void {
  change({ query, box: '', row: '' })
}

export function Picker({ query }: { query: string }) {
  const requests = parseRequests(query)
  return (
    <div class="picker" role="group" aria-label="Which requests">
      <Fields requests={requests ?? anyRequests} known={requests !== undefined} />
      <QueryField query={query} />
    </div>
  )
}

function Fields({ requests, known }: { requests: Requests; known: boolean }) {
  const services = useAnswer<Services>('api/v1/services', { limit: 1000 })
  const names = (services.value?.services ?? []).map((s) => s.service)
  const volume = useAnswer<SpanVolume>(requests.service ? 'api/v1/spans/volume' : null, { service: requests.service, by: 'name,kind', step: '1h', ...asked() })
  const kind = requests.kind.replace('SPAN_KIND_', '').toLowerCase()
  const operations = [...new Set((volume.value?.volumes ?? []).filter((v) => !kind || v.kind === kind).map((v) => v.name ?? ''))].filter(Boolean).sort()
  const set = (part: Partial<Requests>) => pick(formatRequests({ ...requests, ...part }))
  return (
    <>
      <Field label="Service" value={requests.service} any={known ? 'every service' : 'choose a service'} options={names.map((n) => [n, shown(n)])} onPick={(service) => set({ service, operation: '' })}>
        {requests.service && <ServiceMark service={requests.service} />}
      </Field>
      <Field label="Kind" value={requests.kind} any="every kind" options={kinds} onPick={(k) => set({ kind: k, operation: '' })} />
      <Field label="Operation" value={requests.operation} any="every operation" options={operations.slice(0, mostNames).map((n) => [n, shown(n)])} onPick={(operation) => set({ operation })} />
      <Field label="Status" value={requests.status} any="any status" options={statuses} onPick={(status) => set({ status })} />
    </>
  )
}

interface FieldProps {
  label: string
  value: string
  any: string
  options: [value: string, words: string][]
  onPick: (value: string) => void
  children?: preact.ComponentChildren
}

function Field({ label, value, any, options, onPick, children }: FieldProps) {
  const unlisted = value !== '' && !options.some(([v]) => v === value)
  return (
    <label class="field picker-field">
      <span class="heard">{label}</span>
      {children}
      <select value={value} onChange={(e) => onPick(e.currentTarget.value)}>
        <option value="">{any}</option>
        {unlisted && <option value={value}>{shown(value)}</option>}
        {options.map(([v, words]) => (
          <option key={v} value={v}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

interface Names {
  data: string[]
}

function QueryField({ query }: { query: string }) {
  const text = useSignal(query)
  const asking = useSignal(false)
  useEffect(() => {
    text.value = query
  }, [query])
  const names = useAnswer<Names>(asking.value ? 'prometheus/api/v1/label/__name__/values' : null, asked())
  return (
    <form
      class="picker-query"
      onSubmit={(e) => {
        e.preventDefault()
        if (text.value.trim()) pick(text.value.trim())
      }}
    >
      <input
        class="field mono"
        aria-label="Metric, in PromQL"
        list="metric-names"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        title={text.value}
        onFocus={() => (asking.value = true)}
        onInput={(e) => (text.value = e.currentTarget.value)}
      />
      <datalist id="metric-names">
        {(names.value?.data ?? []).slice(0, mostNames).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {text.value.trim() !== query && (
        <button type="submit" class="button">
          Show
        </button>
      )}
    </form>
  )
}
