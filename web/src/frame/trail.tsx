// The trail: where you came from, where you are, and what you can take along.
import { useSignal } from '@preact/signals'
import { shown } from '../parts/marks.tsx'
import { about } from './about.ts'
import { address, back, format, longest, parse, trail, type Address } from './address.ts'
import { curlOf, hand } from './hand.ts'
import { useKeys } from './keys.ts'
import { fixed, range } from './range.ts'
import { say } from './say.ts'

const names = { overview: 'Overview', metric: 'Metric', trace: 'Trace', logs: 'Logs', map: 'Map', health: 'Health' }

/** lasting is an address that shows the same whenever it is opened: with absolute times. */
export function lasting(now: Address): Address {
  return { ...now, params: { ...now.params, ...fixed() } }
}

export function Trail() {
  const steps = trail(address.value)
  const done = useSignal('')
  const take = (what: string, text: string) => {
    void copy(text).then((ok) => {
      done.value = ok ? `${what} copied` : `The browser does not let the page copy. ${text}`
      say(done.value)
      setTimeout(() => (done.value = ''), ok ? 3000 : 20_000)
    })
  }
  const link = () => {
    const to = format(lasting(address.value))
    if (to.length > longest) take(`This is too long for a link (over ${longest} characters); curl`, curl())
    else take('Link', new URL(to, location.href).href)
  }
  const curl = () => {
    const question = hand.value.ask
    if (!question) return ''
    const { from, to } = fixed()
    const { start, end } = question.params
    return curlOf(question.path, { ...question.params, ...(start === range.value.from && { start: from }), ...(end === range.value.to && { end: to }) })
  }
  useKeys([{ key: 'y', does: 'copy a link to what you see', run: link }], 'frame')
  const { title, ask: question, sql, grafana } = hand.value
  const base = about.value?.grafana_url
  return (
    <div class="trail">
      <nav aria-label="Where you came from" class="trail-steps">
        {steps.map((step, i) => (
          <span key={step}>
            <a href={format(back(address.value, i))}>{nameOf(parse(step))}</a> <span aria-hidden="true">›</span>
          </span>
        ))}
        <strong class="cut" aria-current="page">
          {shown(title) || names[address.value.view]}
        </strong>
      </nav>
      <div class="trail-take">
        <span role="status">{done.value}</span>
        <button type="button" class="button" onClick={link}>
          Copy link <kbd class="only-wide">y</kbd>
        </button>
        {question && (
          <button type="button" class="button only-wide" onClick={() => take('Command', curl())}>
            As curl
          </button>
        )}
        {sql && (
          <button type="button" class="button only-wide" onClick={() => take('SQL', sql)}>
            As SQL
          </button>
        )}
        {base && grafana && (
          <a class="button only-wide" href={`${base.replace(/\/$/, '')}/${grafana}`} target="_blank" rel="noreferrer">
            Open in Grafana
          </a>
        )}
      </div>
    </div>
  )
}

function nameOf(a: Address): string {
  if (a.view === 'trace' && a.id) return `Trace ${a.id.slice(0, 8)}`
  const service = /service(?:_name)?="([^"]*)"/.exec(a.params.query ?? a.params.q ?? '')?.[1]
  return service ? `${names[a.view]} of ${shown(service)}` : names[a.view]
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text) // pages on http:// beyond localhost have no clipboard
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'heard'
  document.body.append(area)
  area.select()
  const ok = document.execCommand('copy')
  area.remove()
  return ok
}
