// Drawing a box by pointer: drag, or click a cell and Shift+click the opposite one. A finger has to
// rest first, so that a swipe still scrolls.
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { cellSpan, hull, opposite, within, type Box, type Corner, type Span } from './box.ts'
import { cellAt, type Cell, type Frame, type Grid } from './grid.ts'

/** rest is how long (ms) a finger rests before it draws. */
const rest = 300
/** slack is how far (px) a press may move and still be a click. */
const slack = 4

interface Press {
  id: number
  x: number
  y: number
  /** what the box holds wherever the pointer goes */
  fixed: Span
  /** it draws: a mouse at once, a finger after its rest */
  armed: boolean
  dragged: boolean
  timer?: ReturnType<typeof setTimeout>
}

interface DrawOptions {
  grid: Grid
  frame: Frame
  box: Box | undefined
  /** shows what is being drawn; undefined: nothing */
  onDraft: (box: Box | undefined) => void
  onBox: (box: Box) => void
}

/** useDraw returns the handlers of the element over a picture, whose ref it listens to. */
export function useDraw(area: RefObject<HTMLDivElement | null>, options: DrawOptions) {
  const press = useRef<Press | undefined>(undefined)
  const dragEnded = useRef(false)
  useEffect(() => {
    const element = area.current
    const keepStill = (event: TouchEvent) => {
      if (press.current?.armed && event.cancelable) event.preventDefault()
    }
    element?.addEventListener('touchmove', keepStill, { passive: false })
    return () => {
      element?.removeEventListener('touchmove', keepStill)
      clearTimeout(press.current?.timer)
    }
  }, [])

  const { grid, frame, box } = options
  const at = (event: PointerEvent): Cell => {
    const origin = (area.current as HTMLDivElement).getBoundingClientRect()
    return cellAt(grid, frame, event.clientX - origin.left, event.clientY - origin.top)
  }
  const around = (p: Press, event: PointerEvent) => hull(grid, p.fixed, cellSpan(grid, at(event)))
  const drop = () => {
    clearTimeout(press.current?.timer)
    press.current = undefined
    options.onDraft(undefined)
  }

  const down = (event: PointerEvent, corner?: Corner) => {
    if (event.button !== 0 || press.current) return
    const cell = cellSpan(grid, at(event))
    const fixed = box && corner ? opposite(grid, box, corner) : box && event.shiftKey ? within(grid, box) : cell
    const armed = event.pointerType !== 'touch' || corner !== undefined
    const p: Press = { id: event.pointerId, x: event.clientX, y: event.clientY, fixed, armed, dragged: false }
    if (!armed) {
      p.timer = setTimeout(() => {
        p.armed = p.dragged = true
        options.onDraft(hull(grid, fixed, cell))
      }, rest)
    }
    press.current = p
    dragEnded.current = false
  }
  const move = (event: PointerEvent) => {
    const p = press.current
    if (!p || event.pointerId !== p.id) return
    const far = Math.hypot(event.clientX - p.x, event.clientY - p.y) > slack
    if (!p.armed) {
      if (far) drop()
      return
    }
    if (far && !p.dragged) {
      p.dragged = true
      area.current?.setPointerCapture(p.id)
    }
    if (p.dragged) options.onDraft(around(p, event))
  }
  const up = (event: PointerEvent) => {
    const p = press.current
    if (!p || event.pointerId !== p.id) return
    dragEnded.current = p.dragged
    const onLink = event.target instanceof Element && event.target.closest('a') !== null
    const drawn = p.dragged || !onLink ? around(p, event) : undefined
    drop()
    if (drawn) options.onBox(drawn)
  }
  /** a click that ends a drag opens nothing */
  const click = (event: MouseEvent) => {
    if (dragEnded.current) event.preventDefault()
    dragEnded.current = false
  }
  return { down, move, up, cancel: drop, click }
}
