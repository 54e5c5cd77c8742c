// The strip: the whole trace at once, with what of it is seen. A drag zooms.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { theme } from '../frame/theme.ts'
import { markOf, marks } from '../words/services.ts'
import { duration, plural } from '../words/numbers.ts'
import { Flag, has, type Trace } from './model.ts'
import { barOf, x } from './scale.ts'
import { useDrag } from './waterfall.tsx'

const height = 38
/** of a span, in px, and how many stand below one another before the next begin at the top again */
const line = 2
const lanes = Math.floor((height - 4) / line)

export function Strip({ t, seen, onZoom }: { t: Trace; seen: [number, number]; onZoom: (zoom: [number, number]) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const frame = canvas.current?.parentElement
    if (!frame) return
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    watch.observe(frame)
    return () => watch.disconnect()
  }, [])
  const known = marks.value
  useLayoutEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, t, width)
  }, [t, width, theme.value, known])
  const scale = { from: t.from, to: t.to, width }
  const [drag, handlers] = useDrag(scale, onZoom)
  const [left, right] = drag ? [Math.min(...drag), Math.max(...drag)] : [x(scale, seen[0]), x(scale, seen[1])]
  const whole = seen[0] <= t.from && seen[1] >= t.to
  return (
    <div class="strip" role="img" aria-label={`The whole trace, ${plural(t.count, 'span')} in ${duration(t.to - t.from)}${whole ? '' : `; seen is ${duration(seen[0])} to ${duration(seen[1])}`}`}>
      <canvas ref={canvas} class="strip-canvas" />
      <svg class="strip-over wf-drag" width={width} height={height} aria-hidden="true" {...handlers}>
        <rect class="wf-catch" width={width} height={height} />
        {(drag || !whole) && (
          <>
            <path class="strip-rest" d={`M0 0h${left}v${height}h${-left}zM${right} 0h${Math.max(0, width - right)}v${height}h${-Math.max(0, width - right)}z`} />
            <rect class="strip-window" x={left + 0.5} y={0.5} width={Math.max(1, right - left - 1)} height={height - 1} />
          </>
        )}
      </svg>
    </div>
  )
}

function draw(canvas: HTMLCanvasElement, t: Trace, width: number): void {
  const ratio = devicePixelRatio || 1
  canvas.width = width * ratio
  canvas.height = height * ratio
  const c = canvas.getContext('2d')
  if (!c) return
  c.scale(ratio, ratio)
  const style = getComputedStyle(document.documentElement)
  const colours = new Map<number, string>()
  const colourOf = (hue: number) => {
    let colour = colours.get(hue)
    if (colour === undefined) colours.set(hue, (colour = style.getPropertyValue(hue < 0 ? '--ink3' : `--service-${hue}`)))
    return colour
  }
  const hues = t.operations.map((o) => markOf(o.service).hue)
  const scale = { from: t.from, to: t.to, width }
  for (let i = 0; i < t.count; i++) {
    const bar = barOf(scale, t.begin[i] as number, t.took[i] as number)
    if (!bar) continue
    c.fillStyle = colourOf(hues[t.operation[i] as number] as number)
    c.globalAlpha = has(t, i, Flag.critical) ? 1 : 0.42
    c.fillRect(bar.x, 2 + ((t.depth[i] as number) % lanes) * line, bar.width, line)
  }
}
