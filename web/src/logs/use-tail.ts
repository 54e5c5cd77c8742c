// A tail: lines as they come, over a WebSocket that is opened again by itself.
import { useEffect, useRef, useState } from 'preact/hooks'
import { urlOf } from '../api/client.ts'
import { say } from '../frame/say.ts'
import { clockTime } from '../words/times.ts'
import { ofStreams, type Line, type Streams } from './line.ts'
import { Sampler, again } from './tail.ts'

/** Tail is how a tail goes. */
export interface Tail {
  /** one in so many lines is shown: they come faster than can be read */
  oneIn: number
  /** why it does not run, and when it is tried again; empty while it runs */
  stopped: string
  /** when the last line came, in ms since 1970; 0 before the first */
  last: number
}

const running: Tail = { oneIn: 1, stopped: '', last: 0 }

/** limit is how many lines a frame of the gateway may hold. */
const limit = 5000

/** sampledFor is how long (ms) a tail says that it took one in so many, after it last did. */
const sampledFor = 5000

/** Taker is who a tail tells its lines. */
export interface Taker {
  /** from when on (ns) lines are wanted */
  since: () => string
  /** leaves out lines that are known */
  fresh: (lines: Line[]) => Line[]
  take: (lines: Line[]) => void
}

/** useTail tells the lines that fit a LogQL query as they come, while query is not empty. */
export function useTail(query: string, taker: Taker): Tail {
  const [tail, set] = useState<Tail>(running)
  const to = useRef(taker)
  to.current = taker
  useEffect(() => {
    if (query === '') return
    let socket: WebSocket | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let attempts = 0
    let sampledAt = 0
    const sampler = new Sampler(Date.now())
    const open = () => {
      let caughtUp = false
      socket = new WebSocket(urlOf('loki/api/v1/tail', { query, start: to.current.since(), limit }).replace(/^http/, 'ws'))
      socket.onopen = () => {
        attempts = 0
        set((old) => ({ ...old, stopped: '' }))
      }
      socket.onmessage = ({ data }) => {
        const { streams } = JSON.parse(data as string) as { streams: Streams[] }
        const now = Date.now()
        const fresh = to.current.fresh(ofStreams(streams))
        // What came before the tail comes in one frame, and is no sign of haste.
        const { lines, oneIn } = caughtUp ? sampler.take(fresh, now) : { lines: fresh, oneIn: 1 }
        caughtUp = true
        if (oneIn > 1) sampledAt = now
        to.current.take(lines)
        set((old) => ({ stopped: '', last: now, oneIn: oneIn > 1 ? oneIn : now - sampledAt < sampledFor ? old.oneIn : 1 }))
      }
      socket.onclose = () => {
        const wait = again(attempts++)
        const stopped = `Stopped at ${clockTime(Date.now())}; tried again in ${wait} s`
        set((old) => ({ ...old, stopped: old.stopped && attempts > 1 ? old.stopped.replace(/in \d+ s/, `in ${wait} s`) : stopped }))
        say('The tail stopped.')
        timer = setTimeout(open, wait * 1000)
      }
    }
    set(running)
    open()
    return () => {
      clearTimeout(timer)
      if (socket) {
        socket.onclose = null
        socket.onmessage = null
        socket.close()
      }
    }
  }, [query])
  return tail
}
