// Windowed draws of a long list of rows of one height only those that are seen, and some more.
import './windowed.css'
import type { ComponentChildren, Ref } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** beyond is how many rows are drawn above and below what is seen. */
const beyond = 20

interface WindowedProps {
  length: number
  /** of each row, in px */
  height: number
  row: (index: number) => ComponentChildren
  class?: string
  label: string
  /** a row that must be in view; the list scrolls to it when it changes */
  show?: number
  onScroll?: (box: HTMLDivElement) => void
  boxRef?: Ref<HTMLDivElement>
}

/** seen is the first row and the one after the last that must be drawn. */
export function seen(top: number, box: number, height: number, length: number): [first: number, end: number] {
  const first = Math.max(0, Math.floor(top / height) - beyond)
  return [first, Math.min(length, Math.ceil((top + box) / height) + beyond)]
}

export function Windowed({ length, height, row, class: kind = '', label, show = -1, onScroll, boxRef }: WindowedProps) {
  const own = useRef<HTMLDivElement>(null)
  const [[top, box], look] = useState([0, 600])
  useLayoutEffect(() => {
    const element = own.current
    if (!element) return
    const measure = () => look([element.scrollTop, element.clientHeight])
    const watch = new ResizeObserver(measure)
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  useLayoutEffect(() => {
    const element = own.current
    if (!element || show < 0) return
    const [at, end] = [show * height, (show + 1) * height]
    if (at < element.scrollTop) element.scrollTop = at
    else if (end > element.scrollTop + element.clientHeight) element.scrollTop = end - element.clientHeight
  }, [show, height])
  const [first, end] = seen(top, box, height, length)
  const scrolled = (event: Event) => {
    const element = event.currentTarget as HTMLDivElement
    requestAnimationFrame(() => look([element.scrollTop, element.clientHeight]))
    onScroll?.(element)
  }
  const take = (element: HTMLDivElement | null) => {
    own.current = element
    if (typeof boxRef === 'function') boxRef(element)
    else if (boxRef) boxRef.current = element
  }
  return (
    <div class={`windowed ${kind}`} ref={take} onScroll={scrolled} tabIndex={0} role="region" aria-label={label}>
      <div class="windowed-all" style={{ height: `${length * height}px` }}>
        <div style={{ transform: `translateY(${first * height}px)` }}>{Array.from({ length: Math.max(0, end - first) }, (_, i) => row(first + i))}</div>
      </div>
    </div>
  )
}
