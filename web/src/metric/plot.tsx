// Plot is a picture over time in which one draws a box: axes below it, box and handles above it.
import type { ComponentChildren } from 'preact'
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { useKeys } from '../frame/keys.ts'
import { say } from '../frame/say.ts'
import { clockTime, listed, local } from '../words/times.ts'
import { boxOf, corners, handsOf, moved, within, type Box, type Hands } from './box.ts'
import { useDraw } from './draw.ts'
import { end, timeTicks, xOf, yOf, type Frame, type Grid, type Tick } from './grid.ts'

const [below, gap, day] = [24, 10, 86_400_000]

export interface YTick {
  y: number
  text: string
}

interface PlotProps {
  grid: Grid
  /** of the picture without its axes, in px */
  height: number
  /** of a strip above it, in px */
  strip?: number
  box: Box | undefined
  /** a box was drawn; undefined: it was removed */
  onBox: (box: Box | undefined) => void
  /** where a box begins that keys draw */
  first: () => Box | undefined
  /** what stands beside a box */
  flag: (box: Box) => string
  yTicks: (frame: Frame) => YTick[]
  /** draws the picture itself; size is that of the whole */
  under: (frame: Frame, size: { width: number; height: number }) => ComponentChildren
  /** draws what lies above it, as SVG */
  over?: (frame: Frame) => ComponentChildren
  /** draws what lies above all, as HTML */
  tip?: (frame: Frame) => ComponentChildren
}

export function Plot(props: PlotProps) {
  const { grid, box, onBox } = props
  const area = useRef<HTMLDivElement>(null)
  const width = useWidth(area)
  const draft = useSignal<Box | undefined>(undefined)
  const hands = useSignal<Hands | undefined>(undefined)
  const narrow = width < 500
  const left = narrow ? 50 : 60
  const top = (props.strip ?? 0) + gap
  const frame: Frame = { left, top, width: Math.max(1, width - left - 8), height: props.height }
  const size = { width, height: top + props.height + below }
  const draw = useDraw(area, { grid, frame, box, onDraft: (b) => (draft.value = b), onBox })
  useKeys([
    {
      key: 'b',
      does: 'draw a box: arrows, with Shift the other corner, Enter',
      run: () => (hands.value = handsOf(grid, box ?? props.first() ?? middle(grid))),
    },
  ])
  const shown = draft.value ?? (hands.value ? boxOf(grid, hands.value) : box)
  return (
    <div
      class="plot"
      ref={area}
      style={{ height: `${size.height}px` }}
      onPointerDown={(e) => draw.down(e)}
      onPointerMove={draw.move}
      onPointerUp={draw.up}
      onPointerCancel={draw.cancel}
      onClickCapture={draw.click}
      onDragStart={(e) => e.preventDefault()}
    >
      {width > 0 && (
        <>
          <Axes grid={grid} frame={frame} size={size} yTicks={props.yTicks(frame)} narrow={narrow} />
          {props.under(frame, size)}
          <svg class="plot-over" width={size.width} height={size.height}>
            {shown && <Dim box={shown} grid={grid} frame={frame} />}
            {props.over?.(frame)}
            {shown && <Outline box={shown} grid={grid} frame={frame} handles={!hands.value} down={draw.down} />}
          </svg>
          {shown && <Flag box={shown} grid={grid} frame={frame} size={size} text={props.flag(shown)} clear={draft.value || hands.value ? undefined : () => onBox(undefined)} />}
          {props.tip?.(frame)}
        </>
      )}
      {hands.value && (
        <BoxKeys
          move={(key, shift) => {
            hands.value = hands.value && moved(grid, hands.value, key, shift)
            if (hands.value) say(props.flag(boxOf(grid, hands.value)))
          }}
          done={() => {
            const drawn = hands.value && boxOf(grid, hands.value)
            hands.value = undefined
            if (drawn) onBox(drawn)
          }}
          cancel={() => (hands.value = undefined)}
        />
      )}
    </div>
  )
}

/** middle is a box in the middle of a grid, where nothing better is known. */
function middle(g: Grid): Box {
  const cell = { column: Math.floor(g.columns / 2), row: Math.floor((g.edges.length - 1) / 2) }
  return boxOf(g, { fixed: cell, moving: cell })
}

function useWidth(area: { current: HTMLDivElement | null }): number {
  const width = useSignal(0)
  useLayoutEffect(() => {
    const element = area.current
    if (!element) return
    const watch = new ResizeObserver(() => (width.value = Math.floor(element.clientWidth)))
    watch.observe(element)
    width.value = Math.floor(element.clientWidth)
    return () => watch.disconnect()
  }, [])
  return width.value
}

interface KeysProps {
  move: (key: string, shift: boolean) => void
  done: () => void
  cancel: () => void
}

// While keys draw a box, arrows and Enter are its own.
function BoxKeys({ move, done, cancel }: KeysProps) {
  useKeys(
    [
      ...['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].map((key) => ({ key, does: 'move a corner', run: (e: KeyboardEvent) => move(key, e.shiftKey) })),
      { key: 'Enter', does: 'the box is done', run: done },
      { key: 'Escape', does: 'no box', run: cancel },
    ],
    'part',
  )
  return (
    <p class="plot-hint" role="status">
      Arrows move a corner, with <kbd>Shift</kbd> the other. <kbd>Enter</kbd> takes the box, <kbd>Esc</kbd> drops it.
    </p>
  )
}

interface AxesProps {
  grid: Grid
  frame: Frame
  size: { width: number; height: number }
  yTicks: YTick[]
  narrow: boolean
}

function Axes({ grid, frame, size, yTicks, narrow }: AxesProps) {
  const offset = local.value ? -new Date(grid.start).getTimezoneOffset() * 60_000 : 0
  const ticks = timeTicks(grid.start, end(grid), Math.max(1, Math.floor(frame.width / (narrow ? 75 : 90))), offset)
  const bottom = frame.top + frame.height
  return (
    <svg class="plot-axes" width={size.width} height={size.height} aria-hidden="true">
      {yTicks.map((t) => (
        <g key={t.text}>
          <path class="plot-line" d={`M${frame.left} ${Math.round(t.y) + 0.5}h${frame.width}`} />
          <text x={frame.left - 8} y={t.y + 4} text-anchor="end">
            {t.text}
          </text>
        </g>
      ))}
      {ticks.map((t) => {
        const x = xOf(grid, frame, t.at)
        return (
          <text key={t.at} x={x} y={bottom + 17} text-anchor={x > frame.left + frame.width - 30 ? 'end' : x < frame.left + 20 ? 'start' : 'middle'}>
            {tickText(t, end(grid) - grid.start)}
          </text>
        )
      })}
    </svg>
  )
}

function tickText({ at, step }: Tick, range: number): string {
  if (step >= day) return listed(at, 0).slice(0, -13)
  if (range > day) return listed(at, 0).slice(0, -7)
  const text = clockTime(at, step < 1000)
  return step >= 60_000 ? text.slice(0, 5) : text
}

interface OfBox {
  box: Box
  grid: Grid
  frame: Frame
}

function rectOf({ box, grid, frame }: OfBox) {
  const b = within(grid, box)
  const [x0, x1, y0, y1] = [xOf(grid, frame, b.t0), xOf(grid, frame, b.t1), yOf(grid, frame, b.high), yOf(grid, frame, b.low)]
  return { x0, x1: Math.max(x1, x0), y0, y1: Math.max(y1, y0) }
}

/** outside says that a box has no part in a grid. */
export function outside(grid: Grid, box: Box): boolean {
  return box.t1 <= grid.start || box.t0 >= end(grid)
}

// What is not in the box steps back.
function Dim(of: OfBox) {
  if (outside(of.grid, of.box)) return null
  const { x0, x1, y0, y1 } = rectOf(of)
  const { left, top, width, height } = of.frame
  return <path class="plot-dim" fill-rule="evenodd" d={`M${left} ${top}h${width}v${height}h${-width}zM${x0} ${y0}H${x1}V${y1}H${x0}z`} />
}

interface OutlineProps extends OfBox {
  handles: boolean
  down: (event: PointerEvent, corner: (typeof corners)[number]) => void
}

function Outline({ handles, down, ...of }: OutlineProps) {
  if (outside(of.grid, of.box)) return null
  const { x0, x1, y0, y1 } = rectOf(of)
  return (
    <g class="plot-box">
      <rect x={x0} y={y0} width={x1 - x0} height={y1 - y0} />
      {handles &&
        corners.map((corner) => {
          const [x, y] = [corner.endsWith('left') ? x0 : x1, corner.startsWith('top') ? y0 : y1]
          return (
            <g key={corner} class={`plot-handle plot-${corner}`} onPointerDown={(e) => (e.stopPropagation(), down(e, corner))}>
              <rect class="plot-target" x={x - 12} y={y - 12} width={24} height={24} />
              <rect class="plot-grip" x={x - 3.5} y={y - 3.5} width={7} height={7} />
            </g>
          )
        })}
    </g>
  )
}

interface FlagProps extends OfBox {
  size: { width: number; height: number }
  text: string
  clear: (() => void) | undefined
}

function Flag({ size, text, clear, ...of }: FlagProps) {
  if (outside(of.grid, of.box)) return null
  const { x1, y1 } = rectOf(of)
  const wide = text.length * 7 + 44
  const place = { left: `${Math.max(0, Math.min(x1 + 8, size.width - wide))}px`, top: `${Math.min(y1 + 8, size.height - 28)}px` }
  return (
    <div class="plot-flag" style={place} onPointerDown={(e) => e.stopPropagation()}>
      {text}
      {clear && (
        <button type="button" aria-label="Remove the box" title="Remove the box (Esc)" onClick={clear}>
          ✕
        </button>
      )}
    </div>
  )
}
