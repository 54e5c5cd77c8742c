// One polite live region for those who hear the page: at most one message in five seconds.
import { signal } from '@preact/signals'

const between = 5000

export const said = signal('')
let last = 0
let waiting: ReturnType<typeof setTimeout> | undefined

/** say tells those who hear the page what changed; of several within five seconds only the last. */
export function say(text: string): void {
  clearTimeout(waiting)
  const wait = Math.max(0, last + between - Date.now())
  waiting = setTimeout(() => {
    last = Date.now()
    said.value = text
  }, wait)
}
