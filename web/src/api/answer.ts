// useAnswer keeps the answer to a question up to date while a part of a view is shown.
import { useEffect, useRef, useState } from 'preact/hooks'
import { tick } from '../frame/live.ts'
import { Problem, ask, queryOf, type Params } from './client.ts'

/** slowAfter is how long (ms) an answer may take before a part says so and offers to cancel. */
const slowAfter = 3000

/** Answer is what is known of a question: the last value stays while a newer one is asked for. */
export interface Answer<T> {
  value?: T
  problem?: Problem
  loading: boolean
  slow: boolean
  /** when the value came, in ms since 1970 */
  at: number
  again: () => void
  cancel: () => void
}

export interface AskOptions {
  /** asks again at each tick while the page is live */
  live?: boolean
}

/**
 * useAnswer asks path with params, again when they change, and while live at each tick. A path of
 * null asks nothing. Leaving the part, or a newer question, cancels the request.
 */
export function useAnswer<T>(path: string | null, params: Params = {}, options: AskOptions = {}): Answer<T> {
  const question = path === null ? null : `${path}?${queryOf(params)}`
  const [state, set] = useState<{ value?: T; problem?: Problem; loading: boolean; slow: boolean; at: number }>({ loading: path !== null, slow: false, at: 0 })
  const [round, setRound] = useState(0)
  const abort = useRef<AbortController>(undefined)
  const beat = options.live ? tick.value : 0

  useEffect(() => {
    if (path === null) {
      set({ loading: false, slow: false, at: 0 })
      return
    }
    // The last answer is shown, dimmed, until this one's is here: nothing jumps.
    const controller = new AbortController()
    abort.current = controller
    set((old) => ({ ...old, loading: true, slow: false }))
    const timer = setTimeout(() => set((old) => ({ ...old, slow: true })), slowAfter)
    ask<T>(path, params, controller.signal)
      .then((value) => set({ value, loading: false, slow: false, at: Date.now() }))
      .catch((failure: unknown) => {
        if (controller.signal.aborted) return
        const problem = failure instanceof Problem ? failure : new Problem(0, String(failure))
        set((old) => ({ ...old, problem, loading: false, slow: false }))
      })
      .finally(() => clearTimeout(timer))
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
    // The text of the question stands for path and params.
  }, [question, round, beat])

  return {
    ...state,
    again: () => setRound((n) => n + 1),
    cancel: () => {
      abort.current?.abort()
      set((old) => ({ ...old, loading: false, slow: false, problem: new Problem(0, 'You cancelled this question.') }))
    },
  }
}
