// While the page is live it asks again every ten seconds, as long as somebody can see it and the
// range ends now.
import { effect, signal } from '@preact/signals'
import { range } from './range.ts'

/** between is the time (ms) between two ticks. */
const between = 10_000

export const live = signal(true)
/** still says why the page is not live: at what time it stopped, and for what. Empty while it is. */
export const still = signal('')
/** tick changes whenever parts should ask again. */
export const tick = signal(0)

/** setLive starts or stops the ticks; why is said to the reader. */
export function setLive(on: boolean, why = ''): void {
  live.value = on
  still.value = on ? '' : why
  if (on) tick.value++
}

/** keepTime ticks until the function that it returns is called. */
export function keepTime(): () => void {
  let timer: ReturnType<typeof setInterval> | undefined
  const beat = () => {
    if (document.visibilityState === 'visible') tick.value++
  }
  const stop = effect(() => {
    clearInterval(timer)
    if (live.value && range.value.relative) timer = setInterval(beat, between)
  })
  document.addEventListener('visibilitychange', beatIfLive)
  function beatIfLive() {
    if (live.value && range.value.relative) beat()
  }
  return () => {
    stop()
    clearInterval(timer)
    document.removeEventListener('visibilitychange', beatIfLive)
  }
}
