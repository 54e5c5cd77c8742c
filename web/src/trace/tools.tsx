// The tools above the waterfall: find, what is shown, and where keys lead.
import { useEffect, useState } from 'preact/hooks'
import { change } from '../frame/address.ts'
import { plural } from '../words/numbers.ts'
import type { Trace } from './model.ts'
import type { Choice } from './state.ts'
import type { Found } from './use-find.ts'
import type { Moves } from './use-moves.ts'

/** pause is how long (ms) typing must rest before the trace is searched. */
const pause = 150

export function Tools({ t, choice, find, moves }: { t: Trace; choice: Choice; find: Found; moves: Moves }) {
  return (
    <div class="trace-tools" role="toolbar" aria-label="What is shown">
      <FindField text={choice.find} />
      {find.matches && <Matches choice={choice} find={find} moves={moves} />}
      <Toggle name="logs" on={choice.lines} usual={true} says="Logs in place" letter="l" />
      {t.count > 0 && <Toggle name="fold" on={choice.fold} usual={true} says="Repeats folded" letter="r" />}
      {t.count > 0 && <Toggle name="cp" on={choice.criticalOnly} usual={false} says="Critical path only" letter="c" />}
      {choice.zoom && (
        <button type="button" class="button" onClick={moves.zoomOut}>
          Whole trace <kbd class="only-wide">0</kbd>
        </button>
      )}
      {t.count > 0 && (
        <span class="trace-tools-end">
          {t.errorCount > 0 && (
            <button type="button" class="button quiet" onClick={moves.nextFailed}>
              <kbd class="only-wide">e</kbd> next failed
            </button>
          )}
          <button type="button" class="button quiet" onClick={moves.nextSlow}>
            <kbd class="only-wide">s</kbd> next slow part
          </button>
        </span>
      )}
    </div>
  )
}

/** findField is the id of the field. */
export const findField = 'find-in-trace'

function FindField({ text }: { text: string }) {
  const [typed, set] = useState(text)
  useEffect(() => set(text), [text])
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => change({ find: typed, ...(typed === '' && { only: '' }) }, 'replace'), pause)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <span class="trace-find">
      <kbd class="only-wide" aria-hidden="true">
        f
      </kbd>
      <input
        id={findField}
        type="search"
        class="search-field"
        aria-label="Find in this trace"
        placeholder="find in this trace"
        value={typed}
        onInput={(event) => set(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur()
          if (event.key === 'Escape') set('')
          if (event.key === 'Enter' || event.key === 'Escape') event.stopPropagation()
        }}
      />
    </span>
  )
}

function Matches({ choice, find, moves }: { choice: Choice; find: Found; moves: Moves }) {
  const n = find.places.length
  return (
    <span class="trace-matches" role="status">
      <span>{moves.match > 0 ? `${moves.match} of ${plural(n, 'match', 'matches')}` : n === 0 ? 'nothing found' : plural(n, 'match', 'matches')}</span>
      {find.lack && <span class="faint">{find.lack}</span>}
      {n > 0 && (
        <>
          <button type="button" class="button" aria-label="Previous match" onClick={moves.previousMatch}>
            ↑
          </button>
          <button type="button" class="button" aria-label="Next match" onClick={moves.nextMatch}>
            ↓
          </button>
          <button type="button" class="button" aria-pressed={choice.matchesOnly} onClick={() => change({ only: choice.matchesOnly ? '' : '1' }, 'replace')}>
            Only matches
          </button>
        </>
      )}
    </span>
  )
}

interface ToggleProps {
  /** of the parameter */
  name: string
  on: boolean
  usual: boolean
  says: string
  letter: string
}

function Toggle({ name, on, usual, says, letter }: ToggleProps) {
  return (
    <button type="button" class="button" aria-pressed={on} onClick={() => turn(name, on, usual)}>
      {says} <kbd class="only-wide">{letter}</kbd>
    </button>
  )
}

/** turn changes a flag of the address; what is usual is not written. */
export function turn(name: string, on: boolean, usual: boolean): void {
  change({ [name]: on !== usual ? '' : on ? '0' : '1' }, 'replace')
}
