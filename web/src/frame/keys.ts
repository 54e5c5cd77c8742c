// Keys: views say what theirs do, the frame listens once.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export interface Key {
  /** as KeyboardEvent.key has it */
  key: string
  /** what it does, for the list of keys */
  does: string
  run: (event: KeyboardEvent) => void
}

/** Rank says whose keys go first: a dialog's before a view's before the frame's. */
export type Rank = 'frame' | 'view' | 'part' | 'dialog'

interface Layer {
  rank: Rank
  keys: Key[]
}

const ranks: Rank[] = ['dialog', 'part', 'view', 'frame']
const stored = 'plait.keys'

/** layers are the keys that act now. */
export const layers = signal<Layer[]>([])
/** lettersOn says whether single letters act (WCAG 2.1.4 asks that one can turn them off). */
export const lettersOn = signal(typeof localStorage === 'undefined' || localStorage.getItem(stored) !== 'off')

export function setLetters(on: boolean): void {
  lettersOn.value = on
  localStorage.setItem(stored, on ? 'on' : 'off')
}

/** useKeys makes keys act while the caller is shown. */
export function useKeys(keys: Key[], rank: Rank = 'view'): void {
  const layer = useRef<Layer>({ rank, keys })
  layer.current.keys = keys
  useEffect(() => {
    const mine = layer.current
    layers.value = [...layers.value, mine]
    return () => {
      layers.value = layers.value.filter((l) => l !== mine)
    }
  }, [])
}

/** inOrder is the layers, those that go first in front. */
export function inOrder(): Layer[] {
  return ranks.flatMap((rank) => layers.value.filter((l) => l.rank === rank).toReversed())
}

/** listen hands keys to the layers until the function that it returns is called. */
export function listen(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    const letter = event.key.length === 1
    if (letter && (!lettersOn.value || inField(event.target))) return
    if (!letter && event.key !== 'Escape' && takesKeys(event.target)) return
    for (const layer of inOrder()) {
      const found = layer.keys.find((k) => k.key === event.key)
      if (found) {
        event.preventDefault()
        found.run(event)
        return
      }
    }
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

// A box that is ticked takes no letters.
function inField(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement && /^(checkbox|radio)$/.test(target.type)) return false
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

// Enter and arrows belong to what has the focus, if that does something with them itself. Links in pictures are SVG's, whose
// names are in small letters.
function takesKeys(target: EventTarget | null): boolean {
  return inField(target) || (target instanceof Element && /^(button|a|summary)$/i.test(target.tagName))
}
