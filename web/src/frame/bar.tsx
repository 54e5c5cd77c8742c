// The top bar: name, tabs, search, range, Live and the list of keys. Narrow, the tabs are below.
import { address, format, sister, views, type View } from './address.ts'
import { RangeButton } from './range-menu.tsx'
import { range } from './range.ts'
import { Search } from './search.tsx'
import { live, setLive, still } from './live.ts'

const names: Record<View, string> = { overview: 'Overview', metric: 'Metric', trace: 'Trace', logs: 'Logs', map: 'Map', health: 'Health' }

export function Bar({ onHelp }: { onHelp: () => void }) {
  return (
    <header class="bar">
      <a class="bar-name" href={format(sister('overview'))} aria-label="Plait, to the overview">
        <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
          <path d="M1 3c5 0 9 10 14 10M1 8c5 0 9 0 14 0M1 13c5 0 9-10 14-10" fill="none" stroke="currentColor" stroke-width="1.8" />
        </svg>
        Plait
      </a>
      <Tabs class="only-wide" />
      <Search />
      <div class="bar-end">
        <RangeButton />
        <LiveButton />
        <button type="button" class="button only-wide" aria-label="All keys" onClick={onHelp}>
          ?
        </button>
      </div>
    </header>
  )
}

/** Tabs lead to the views. */
export function Tabs({ class: kind }: { class: string }) {
  return (
    <nav class={`tabs ${kind}`} aria-label="Views">
      {views.map((view, i) => (
        <a key={view} href={format(sister(view))} aria-current={address.value.view === view ? 'page' : undefined} title={`${names[view]} (${i + 1})`}>
          {names[view]}
        </a>
      ))}
    </nav>
  )
}

function LiveButton() {
  const on = live.value && range.value.relative
  const why = range.value.relative ? still.value || 'Ask again every 10 s' : 'The range ends in the past'
  return (
    <button type="button" class="button only-wide" aria-pressed={on} title={why} disabled={!range.value.relative} onClick={() => setLive(!live.value, 'You stopped it')}>
      Live
    </button>
  )
}
