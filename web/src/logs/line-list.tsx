// The list of lines: only the rows that are seen are drawn. It holds still: whatever comes above or
// below, the line one looks at stays where it is.
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { rowName } from './line-row.tsx'
import { rowAt, topsOf, type Row } from './rows.ts'

/** beyond is how far (px) above and below what is seen rows are drawn. */
const beyond = 400
/** guess is how high (px) a row is held to be that was never drawn. */
const guess = 60

interface LineListProps {
  rows: Row[]
  /** the row that is selected; -1 for none */
  at: number
  /** of rows of one height, in px */
  height: number
  /** whether a row has a height of its own */
  flexible: (row: Row) => boolean
  draw: (row: Row, index: number, signs: number) => ComponentChildren
  /** when it changes, the list shows its end, or the selected row */
  of: string
  top: ComponentChildren
  bottom: ComponentChildren
  /** the first rows are near */
  onTop: () => void
  /** the list is at its end, or left it */
  onEnd: (at: boolean) => void
}

/** Anchor is what stays where it is: the end, or a row at some px below the upper edge. */
interface Anchor {
  end: boolean
  key: string
  offset: number
}

export function LineList({ rows, at, height, flexible, draw, of, top, bottom, onTop, onEnd }: LineListProps) {
  const box = useRef<HTMLDivElement>(null)
  const heights = useRef(new Map<string, number>())
  const anchor = useRef<Anchor>({ end: true, key: '', offset: 0 })
  const [version, redraw] = useState(0)
  const [view, look] = useState({ top: 0, size: 500 })
  const signs = useSigns(box)
  const tops = useMemo(() => topsOf(rows, (row) => (flexible(row) ? (heights.current.get(row.line.key) ?? guess) : height)), [rows, flexible, height, version])
  const body = useRef<HTMLDivElement>(null)

  const remember = () => {
    const element = box.current
    if (!element) return
    const y = element.scrollTop
    const above = body.current?.offsetTop ?? 0
    const seen = (i: number) => i >= 0 && (tops[i] as number) + above >= y && (tops[i + 1] as number) + above <= y + element.clientHeight
    const index = seen(at) ? at : Math.min(rows.length - 1, rowAt(tops, Math.max(0, y - above)))
    const row = rows[index]
    const end = y + element.clientHeight >= element.scrollHeight - 4
    if (end !== anchor.current.end) onEnd(end)
    anchor.current = { end, key: row?.line.key ?? '', offset: (tops[index] ?? 0) + above - y }
  }

  useLayoutEffect(() => {
    anchor.current = { end: true, key: '', offset: 0 }
    onEnd(true)
  }, [of])

  // Where rows changed, what was in view comes back to its place before anything is painted.
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const { end, key, offset } = anchor.current
    if (end) element.scrollTop = element.scrollHeight
    else {
      const index = rows.findIndex((r) => r.line.key === key)
      if (index >= 0) element.scrollTop = (tops[index] as number) + (body.current?.offsetTop ?? 0) - offset
    }
    remember()
    look({ top: element.scrollTop, size: element.clientHeight })
  }, [tops, of])

  useLayoutEffect(() => {
    const element = box.current
    const above = body.current?.offsetTop ?? 0
    if (!element || at < 0) return
    const [from, to] = [(tops[at] as number) + above, (tops[at + 1] as number) + above]
    if (from < element.scrollTop) element.scrollTop = Math.max(0, from - height)
    else if (to > element.scrollTop + element.clientHeight) element.scrollTop = Math.min(from, to - element.clientHeight + height)
    remember()
  }, [at, of])

  useLayoutEffect(() => {
    let changed = false
    body.current?.querySelectorAll<HTMLElement>('[data-key]').forEach((row) => {
      const key = row.dataset.key ?? ''
      if (row.offsetHeight !== heights.current.get(key)) {
        heights.current.set(key, row.offsetHeight)
        changed ||= row.classList.contains('line-wrapped') || row.querySelector('.line-details') !== null
      }
    })
    if (changed) redraw((n) => n + 1)
  })

  useEffect(() => {
    const element = box.current
    if (!element) return
    const watch = new ResizeObserver(() => {
      if (anchor.current.end) element.scrollTop = element.scrollHeight
      look({ top: element.scrollTop, size: element.clientHeight })
    })
    watch.observe(element)
    return () => watch.disconnect()
  }, [])

  const scrolled = () => {
    const element = box.current
    if (!element) return
    remember()
    look({ top: element.scrollTop, size: element.clientHeight })
    if (element.scrollTop < beyond && rows.length > 0) onTop()
  }
  const first = rowAt(tops, Math.max(0, view.top - beyond))
  const last = Math.min(rows.length - 1, rowAt(tops, view.top + view.size + beyond))
  const drawn = rows.slice(first, last + 1)
  return (
    <div class="lines-box" ref={box} onScroll={scrolled}>
      {top}
      <div
        ref={body}
        class="lines-all"
        style={{ height: `${tops[rows.length] ?? 0}px` }}
        tabIndex={0}
        role="grid"
        aria-label="Log lines"
        aria-rowcount={rows.length}
        aria-activedescendant={at >= first && at <= last ? rowName(at) : undefined}
      >
        <div style={{ transform: `translateY(${tops[first] ?? 0}px)` }}>{drawn.map((row, i) => draw(row, first + i, signs))}</div>
      </div>
      {bottom}
    </div>
  )
}

// How many signs of a line's text fit into its cell: its font has one width for all of them.
function useSigns(box: { current: HTMLDivElement | null }): number {
  const [signs, set] = useState(100)
  useEffect(() => {
    const element = box.current
    if (!element) return
    const measure = () => {
      const cell = element.querySelector<HTMLElement>('.line-text')
      const context = document.createElement('canvas').getContext('2d')
      if (!cell || !context || cell.clientWidth === 0) return
      context.font = getComputedStyle(cell).font
      const one = context.measureText('0').width
      if (one > 0) set(Math.max(10, Math.floor(cell.clientWidth / one)))
    }
    const watch = new ResizeObserver(measure)
    watch.observe(element)
    const later = new MutationObserver(() => {
      if (!element.querySelector('.line-text')) return
      measure()
      later.disconnect()
    })
    later.observe(element, { childList: true, subtree: true })
    return () => {
      watch.disconnect()
      later.disconnect()
    }
  }, [])
  return signs
}
