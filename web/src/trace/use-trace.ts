// The trace of the address, read by the worker; and what else is asked of it there.
import { useEffect, useRef, useState } from 'preact/hooks'
import { Problem, urlOf } from '../api/client.ts'
import { Reader } from './reader.ts'
import type { Trace } from './model.ts'

/** slowAfter is how long (ms) a trace may take before the view says so. */
const slowAfter = 3000

/** TraceAnswer is what is known of the trace: the last one stays while another is asked for. */
export interface TraceAnswer {
  value?: Trace
  problem?: Problem
  loading: boolean
  slow: boolean
  at: number
  again: () => void
  cancel: () => void
  reader: Reader | undefined
}

/** useTrace reads a trace by any spelling of its id. */
export function useTrace(id: string): TraceAnswer {
  const [state, set] = useState<Pick<TraceAnswer, 'value' | 'problem' | 'loading' | 'slow' | 'at'>>({ loading: true, slow: false, at: 0 })
  const [round, setRound] = useState(0)
  const reader = useRef<Reader | undefined>(undefined)
  const close = () => {
    reader.current?.close()
    reader.current = undefined
  }
  const shown = useRef('')

  useEffect(() => {
    const mine = new Reader()
    const timer = setTimeout(() => set((old) => ({ ...old, slow: true })), slowAfter)
    const settle = (next: Partial<typeof state>) => {
      clearTimeout(timer)
      set((old) => ({ ...old, loading: false, slow: false, ...next }))
    }
    // The old picture stays only while the same trace is asked for again.
    set((old) => ({ ...(shown.current === id && old.value ? { value: old.value } : {}), loading: true, slow: false, at: old.at }))
    shown.current = id
    close()
    reader.current = mine
    mine.ask({ does: 'read', url: urlOf(`api/v1/pivot/trace/${encodeURIComponent(id)}`) }).then(
      (value) => settle({ value, at: Date.now() }),
      (failure: unknown) => settle({ problem: failure instanceof Problem ? failure : new Problem(0, String(failure)) }),
    )
    return () => {
      clearTimeout(timer)
      mine.close()
    }
  }, [id, round])

  return {
    ...state,
    reader: reader.current,
    again: () => setRound((n) => n + 1),
    cancel: () => {
      close()
      set((old) => ({ ...old, loading: false, slow: false, problem: new Problem(0, 'You cancelled this question.') }))
    },
  }
}
