// The search box takes anything, and says below it what Enter will do, before Enter.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ask } from '../api/client.ts'
import { marks } from '../words/services.ts'
import { go } from './address.ts'
import { readings } from './find.ts'
import { useKeys } from './keys.ts'

export function Search() {
  const field = useRef<HTMLInputElement>(null)
  const text = useSignal('')
  const at = useSignal(0)
  const open = useSignal(false)
  const metrics = useMetricNames(open.value)
  const list = open.value ? readings(text.value, [...marks.value.keys()], metrics.value) : []
  useKeys([{ key: '/', does: 'search', run: () => field.current?.select() }], 'frame')

  const choose = (index: number) => {
    const chosen = list[index]
    if (!chosen) return
    open.value = false
    text.value = ''
    field.current?.blur()
    go(chosen.to)
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      at.value = (at.value + (event.key === 'ArrowDown' ? 1 : list.length - 1)) % Math.max(1, list.length)
    } else if (event.key === 'Enter') choose(at.value)
    else if (event.key === 'Escape') {
      event.stopPropagation()
      open.value = false
      field.current?.blur()
    }
  }
  return (
    <div class="search" role="search">
      <kbd aria-hidden="true" class="only-wide">/</kbd>
      <input
        ref={field}
        class="search-field"
        role="combobox"
        aria-label="Search"
        aria-expanded={list.length > 0}
        aria-controls="readings"
        aria-activedescendant={list.length > 0 ? `reading-${at.value}` : undefined}
        placeholder="Trace id in any spelling, LogQL, or words"
        autocomplete="off"
        spellcheck={false}
        value={text.value}
        onInput={(e) => {
          text.value = e.currentTarget.value
          at.value = 0
          open.value = true
        }}
        onFocus={() => (open.value = true)}
        onBlur={() => (open.value = false)}
        onKeyDown={onKey}
      />
      {list.length > 0 && (
        <ul class="search-list" id="readings" role="listbox" aria-label="What Enter does">
          {list.map((r, i) => (
            <li key={r.does} id={`reading-${i}`} role="option" aria-selected={i === at.value} onMouseDown={(e) => e.preventDefault()} onClick={() => choose(i)}>
              {r.does}
              {i === at.value && <kbd>Enter</kbd>}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

// Names of metrics are asked for once, when the box is first used.
function useMetricNames(wanted: boolean) {
  const names = useSignal<string[]>([])
  const asked = useRef(false)
  useEffect(() => {
    if (!wanted || asked.current) return
    asked.current = true
    ask<{ data: string[] }>('prometheus/api/v1/label/__name__/values')
      .then((answer) => (names.value = answer.data))
      .catch(() => (asked.current = false))
  }, [wanted])
  return names
}
