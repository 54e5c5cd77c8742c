// What was found in the trace, by the words of the address.
import { useEffect, useRef, useState } from 'preact/hooks'
import { placesOf } from './find.ts'
import type { Trace } from './model.ts'
import type { Reader } from './reader.ts'

/** Found is what is known of the words that are looked for. */
export interface Found {
  /** a mask of spans; undefined while nothing is looked for */
  matches: Uint8Array | undefined
  places: number[]
  /** what cannot be found yet, or not at all */
  lack: string
}

const none: Found = { matches: undefined, places: [], lack: '' }

/** useFind asks the worker: at once by what is here, and again once attributes are, too. */
export function useFind(t: Trace, reader: Reader | undefined, text: string): Found {
  const [found, set] = useState<Found>(none)
  const read = useRef<Reader | undefined>(undefined)
  useEffect(() => {
    if (text.trim() === '' || !reader) {
      set(none)
      return
    }
    let left = false
    const look = (lack: string) =>
      reader.ask({ does: 'find', text }).then((matches) => {
        if (!left) set({ matches, places: matches ? placesOf(matches) : [], lack })
      })
    const withAttributes = async () => {
      if (read.current === reader) return look('')
      await look('reading attributes …')
      try {
        await reader.ask({ does: 'attributes' })
        read.current = reader
        await look('')
      } catch {
        await look('attributes could not be read')
      }
    }
    withAttributes().catch(() => {})
    return () => {
      left = true
    }
  }, [t, reader, text])
  return found
}
