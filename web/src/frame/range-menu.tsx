// The range of time: what is seen, and a menu to choose another.
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { clockTime, lengthOf, stretch } from '../words/times.ts'
import { address, change } from './address.ts'
import { useKeys } from './keys.ts'
import { instant, iso, range } from './range.ts'

const usual: [text: string, from: string][] = [
  ['Last 5 min', 'now-5m'],
  ['Last 15 min', 'now-15m'],
  ['Last hour', 'now-1h'],
  ['Last 6 h', 'now-6h'],
  ['Last 24 h', 'now-24h'],
  ['Last 7 days', 'now-7d'],
]

export function RangeButton() {
  const open = useSignal(false)
  const { start, end, relative } = range.value
  const length = lengthOf(end - start)
  // Whoever opens it by its key goes on with keys: from the first choice.
  const byKey = useSignal(false)
  const show = () => {
    byKey.value = true
    open.value = true
  }
  useKeys(
    [
      { key: 't', does: 'choose the time range', run: show },
      { key: '[', does: 'one range back', run: () => shift(-1) },
      { key: ']', does: 'one range on', run: () => shift(1) },
    ],
    'frame',
  )
  return (
    <div class="range">
      <button type="button" class="button" aria-expanded={open.value} onClick={() => ((byKey.value = false), (open.value = !open.value))}>
        <strong>{relative ? `last ${length}` : length}</strong> <span class="quiet-text only-wide">{stretch(start, end)}</span>
      </button>
      {open.value && <Menu focused={byKey.value} close={() => (open.value = false)} />}
    </div>
  )
}

function shift(by: number): void {
  const { start, end } = range.value
  const length = (end - start) * by
  change({ from: iso(start + length), to: iso(end + length) })
}

function Menu({ focused, close }: { focused: boolean; close: () => void }) {
  const wrong = useSignal('')
  const first = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    if (focused) first.current?.focus()
  }, [])
  const { from, to } = range.value
  useKeys([{ key: 'Escape', does: 'close the time range', run: close }], 'dialog')
  const choose = (params: { from: string; to: string }) => {
    change(params)
    close()
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const [f, t] = [String(data.get('from')).trim(), String(data.get('to')).trim()]
    const now = Date.now()
    if (!(instant(f, now) < instant(t, now))) wrong.value = 'Write times as now-15m or 2026-11-26T09:00:00Z, the earlier one first.'
    else choose({ from: f, to: t })
  }
  const inZone = address.value.params.tz === 'local'
  return (
    <form class="menu" aria-label="Time range" onSubmit={submit}>
      <div class="menu-list">
        {usual.map(([text, value], i) => (
          <button key={value} ref={i === 0 ? first : null} type="button" class="button" onClick={() => choose({ from: value, to: '' })}>
            {text}
          </button>
        ))}
      </div>
      <label>
        From <input class="field" name="from" defaultValue={from} autocomplete="off" spellcheck={false} />
      </label>
      <label>
        To <input class="field" name="to" defaultValue={to} autocomplete="off" spellcheck={false} />
      </label>
      {wrong.value && (
        <p class="failed" role="alert">
          {wrong.value}
        </p>
      )}
      <div class="menu-list">
        <button type="submit" class="button">
          Show this range
        </button>
        <button type="button" class="button" aria-pressed={inZone} onClick={() => change({ tz: inZone ? '' : 'local' }, 'replace')}>
          {inZone ? 'Times in UTC' : 'Times of my zone'}
        </button>
        <span class="faint">now {clockTime(Date.now())}</span>
      </div>
    </form>
  )
}
