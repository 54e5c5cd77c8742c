// A button that copies a text.
import { useState } from 'preact/hooks'
import { say } from '../frame/say.ts'

/** shownFor is how long (ms) a button says that it copied. */
const shownFor = 1500

export function Copy({ text, of }: { text: string; of: string }) {
  const [done, set] = useState('')
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => {
        set('copied')
        say(`${of} copied`)
        setTimeout(() => set(''), shownFor)
      },
      () => set('the browser does not let the page copy'),
    )
  }
  return (
    <button type="button" class="small-button" onClick={copy} aria-label={`Copy ${of}`} title={`Copy ${of}`}>
      {done || 'copy'}
    </button>
  )
}
