// Paints the cells of a heatmap. The colours are those of the page (style/tokens.css).
import { xOf, yOf, type Frame, type Grid } from './grid.ts'
import { levels, type Shade } from './shade.ts'

export interface Size {
  width: number
  height: number
}

/** paint draws the cells of a heatmap; hatched says that its lowest row holds what is quicker, too. */
export function paint(canvas: HTMLCanvasElement, grid: Grid, frame: Frame, size: Size, shades: Shade[], hatched: boolean): void {
  const scale = devicePixelRatio || 1
  canvas.width = Math.round(size.width * scale)
  canvas.height = Math.round(size.height * scale)
  const context = canvas.getContext('2d')
  if (!context) return
  context.scale(scale, scale)
  const colour = colours()
  const forced = matchMedia('(forced-colors: active)').matches
  for (const cell of shades) {
    const [x, y, w, h] = rectOf(grid, frame, cell)
    context.fillStyle = colour(cell.unusual ? 'more' : 'count', cell.level)
    context.fillRect(x, y, w, h)
    if (forced && cell.unusual) context.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1)
  }
  if (hatched) hatch(context, frame, yOf(grid, frame, grid.edges[1] ?? 0), colour('count', 4))
}

/** rectOf is where a cell is drawn: with a gap to its neighbours, if there is room for one. */
export function rectOf(grid: Grid, frame: Frame, cell: { column: number; row: number }): [x: number, y: number, width: number, height: number] {
  const [x0, x1] = [xOf(grid, frame, grid.start + grid.step * cell.column), xOf(grid, frame, grid.start + grid.step * (cell.column + 1))]
  const [y1, y0] = [yOf(grid, frame, grid.edges[cell.row] ?? 0), yOf(grid, frame, grid.edges[cell.row + 1] ?? Infinity)]
  const [x, y] = [Math.round(x0), Math.round(y0)]
  const gap = (length: number) => (length > 3 ? length - 1 : Math.max(1, length))
  return [x, y, gap(Math.round(x1) - x), gap(Math.round(y1) - y)]
}

function colours(): (kind: 'count' | 'more', level: number) => string {
  const style = getComputedStyle(document.documentElement)
  const known = new Map<string, string>()
  for (const kind of ['count', 'more']) {
    for (let level = 1; level <= levels; level++) known.set(`${kind}${level}`, style.getPropertyValue(`--${kind}-${level}`).trim())
  }
  return (kind, level) => known.get(`${kind}${level}`) ?? '#888'
}

function hatch(context: CanvasRenderingContext2D, frame: Frame, top: number, colour: string): void {
  const bottom = frame.top + frame.height
  context.save()
  context.beginPath()
  context.rect(frame.left, top, frame.width, bottom - top)
  context.clip()
  context.strokeStyle = colour
  context.lineWidth = 0.6
  context.beginPath()
  for (let x = frame.left - (bottom - top); x < frame.left + frame.width; x += 6) {
    context.moveTo(x, bottom)
    context.lineTo(x + (bottom - top), top)
  }
  context.stroke()
  context.restore()
}
