// Where a page was scrolled to: Back, on and a reload show a step of the history as it was left, and a new one begins at its top.
import { effect } from '@preact/signals'
import { address } from './address.ts'

const stored = 'plait.scroll'
/** most is how many steps of the history are remembered. */
const most = 50
/** settling and patience are in how many frames a view is drawn at least, and at most with the answers that make it as long as it was. */
const [settling, patience] = [10, 300]

/** Step is what the history's entries carry: a name, by which a new one is told from one that was seen before. */
interface Step {
  step: string
}

/** keepScroll remembers and restores until the function that it returns is called. */
export function keepScroll(): () => void {
  history.scrollRestoration = 'manual'
  const places = new Map<string, number>(read())
  let [step, shown, waiting] = ['', '', 0]
  const stop = () => {
    cancelAnimationFrame(waiting)
    waiting = 0
  }
  const remember = () => {
    if (waiting || step === '') return // what shrinks while it is drawn anew is not scrolled by anybody
    places.delete(step)
    places.set(step, scrollY)
    write([...places].slice(-most))
  }
  // The view before is still there at first, and the new one grows with its answers.
  const restore = (y: number, frame = 0) => {
    if (scrollY !== y && document.documentElement.scrollHeight - innerHeight >= y) scrollTo(0, y)
    const settled = frame > settling && scrollY === y && !document.querySelector('[aria-busy=true]')
    waiting = settled || frame > patience ? 0 : requestAnimationFrame(() => restore(y, frame + 1))
  }
  const ended = effect(() => {
    const { view, id } = address.value
    const known = (history.state as Step | null)?.step
    if (known && known === step) return
    const leaves = `${view} ${id}` !== shown
    step = known ?? `${Date.now()}.${Math.random()}`
    shown = `${view} ${id}`
    if (!known) history.replaceState({ step } satisfies Step, '')
    stop()
    if (known) restore(places.get(known) ?? 0)
    else if (leaves) scrollTo(0, 0)
  })
  const acts = ['wheel', 'touchstart', 'pointerdown', 'keydown']
  for (const act of acts) addEventListener(act, stop, { passive: true })
  addEventListener('scroll', remember, { passive: true })
  return () => {
    ended()
    stop()
    for (const act of acts) removeEventListener(act, stop)
    removeEventListener('scroll', remember)
  }
}

function read(): [string, number][] {
  try {
    return JSON.parse(sessionStorage.getItem(stored) ?? '[]') as [string, number][]
  } catch {
    return []
  }
}

function write(places: [string, number][]): void {
  sessionStorage.setItem(stored, JSON.stringify(places))
}
