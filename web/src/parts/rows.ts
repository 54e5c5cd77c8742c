// useRows moves through the rows of a view by keys: j and k, Enter opens.
import { useState } from 'preact/hooks'
import { useKeys } from '../frame/keys.ts'

/** useRows returns the row that keys are at (-1 before the first key); open is called with it. */
export function useRows(length: number, open: (index: number) => void): [at: number, setAt: (index: number) => void] {
  const [at, setAt] = useState(-1)
  const bounded = Math.min(at, length - 1)
  const move = (by: number) => {
    const to = Math.max(0, Math.min(length - 1, bounded + by))
    setAt(to)
    document.querySelector(`[data-row="${to}"]`)?.scrollIntoView({ block: 'nearest' })
  }
  useKeys([
    { key: 'j', does: 'next row', run: () => move(1) },
    { key: 'k', does: 'previous row', run: () => move(-1) },
    { key: 'Enter', does: 'open the row', run: () => bounded >= 0 && open(bounded) },
  ])
  return [bounded, setAt]
}
