// The frame around every view: bar, trail, the view itself, and what they all share.
import './frame.css'
import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { learnMarks } from '../words/services.ts'
import { learnAbout } from './about.ts'
import { address, follow, go, sister, trail, views, type View } from './address.ts'
import { Bar, Tabs } from './bar.tsx'
import { Help } from './help.tsx'
import { listen, useKeys } from './keys.ts'
import { keepTime, live, setLive, tick } from './live.ts'
import { clock, range } from './range.ts'
import { said } from './say.ts'
import { keepScroll } from './scroll.ts'
import { followTheme, turn } from './theme.ts'
import { Trail } from './trail.tsx'

const load: Record<View, () => Promise<{ default: ComponentType }>> = {
  overview: () => import('../overview/index.tsx'),
  metric: () => import('../metric/index.tsx'),
  trace: () => import('../trace/index.tsx'),
  logs: () => import('../logs/index.tsx'),
  map: () => import('../map/index.tsx'),
  health: () => import('../health/index.tsx'),
}

export function App() {
  const help = useSignal(false)
  useFrame()
  useKeys(
    [
      ...views.map((view, i) => ({ key: String(i + 1), does: `to ${view}`, run: () => go(sister(view)) })),
      { key: '.', does: 'live, or still', run: () => setLive(!live.value, 'You stopped it') },
      { key: 'd', does: 'dark, or light', run: turn },
      { key: '?', does: 'all keys', run: () => (help.value = !help.value) },
      { key: 'Escape', does: 'one step out', run: () => history.back() },
    ],
    'frame',
  )
  const here = address.value
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById('main')?.focus())}>
        To the view
      </a>
      <Bar onHelp={() => (help.value = true)} />
      {(here.view !== 'overview' || trail(here).length > 0) && <Trail />}
      <main id="main" tabIndex={-1}>
        {range.value.wrong && (
          <div class="note" role="alert">
            {range.value.wrong}.
          </div>
        )}
        <ViewOf view={here.view} />
      </main>
      <Tabs class="only-narrow tabs-below" />
      {help.value && <Help close={() => (help.value = false)} />}
      <div class="heard" aria-live="polite">
        {said.value}
      </div>
    </>
  )
}

// What lasts as long as the page.
function useFrame(): void {
  useEffect(() => {
    const ends = [follow(), followTheme(), listen(), keepTime(), keepScroll()]
    void learnAbout()
    void learnMarks()
    return () => ends.forEach((end) => end())
  }, [])
  useEffect(() => {
    clock.value = Date.now()
  }, [address.value, tick.value])
}

function ViewOf({ view }: { view: View }) {
  const loaded = useSignal<{ view: View; is: ComponentType } | undefined>(undefined)
  const failed = useSignal(false)
  useEffect(() => {
    let left = false
    failed.value = false
    load[view]()
      .then((module) => {
        if (!left) loaded.value = { view, is: module.default }
      })
      .catch(() => (failed.value = true))
    return () => {
      left = true
    }
  }, [view])
  if (failed.value)
    return (
      <div class="note note-failed" role="alert">
        This view could not be loaded. The gateway may have been updated:
        <button type="button" class="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </div>
    )
  const Shown = loaded.value?.view === view ? loaded.value.is : undefined
  return Shown ? <Shown /> : null
}
