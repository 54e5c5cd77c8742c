// Where services are drawn: in layers from left to right by calls. Names and calls alone decide, so that the same map looks the same
// from load to load. Pure functions.

/** Arrow is a call from one name to another. */
export interface Arrow {
  client: string
  server: string
}

/** Spot is the middle of what is drawn for a name, in px, how wide that is, and its layer. */
export interface Spot {
  layer: number
  x: number
  y: number
  width: number
}

/** Layout is where everything lies, and how large the picture is. */
export interface Layout {
  spots: Map<string, Spot>
  width: number
  height: number
}

/** box is how large what is drawn for a service is. */
export const box = { width: 148, height: 52 }
/** least and most are how far layers are apart: what stands on a call has room between them. */
const [least, most] = [84, 150]
/** row is how far names in a layer are apart at least, and at most twice; rim is the picture's own. */
const [row, rim] = [84, 12]
/** passes is how often layers are put in the order of their neighbours, there and back. */
const passes = 2

/** layoutOf places names in a picture of this width, or a wider one where there are many layers. */
export function layoutOf(names: string[], arrows: Arrow[], width: number, widthOf: (name: string) => number = () => box.width): Layout {
  const layers = ordered(layersOf(names, arrows), arrows)
  const fullest = Math.max(1, ...layers.map((l) => l.length))
  const height = fullest * row + rim
  const wide = layers.map((l) => Math.max(...l.map(widthOf)))
  const taken = wide.reduce((sum, w) => sum + w, 2 * rim)
  const gap = Math.min(most, Math.max(least, (width - taken) / Math.max(1, layers.length - 1)))
  const spots = new Map<string, Spot>()
  let left = rim
  layers.forEach((layer, i) => {
    const step = Math.min(2 * row, (height - rim) / layer.length)
    const top = (height - step * layer.length) / 2
    const own = wide[i] as number
    layer.forEach((name, j) => spots.set(name, { layer: i, x: left + own / 2, y: top + step * (j + 0.5), width: widthOf(name) }))
    left += own + gap
  })
  return { spots, width: Math.max(0, left - gap) + rim, height }
}

/** layersOf puts each name one layer behind the last of its callers. A call that closes a circle does not count. */
export function layersOf(names: string[], arrows: Arrow[]): string[][] {
  const inOrder = [...names].sort()
  const callees = new Map(inOrder.map((n) => [n, arrows.filter((a) => a.client === n).map((a) => a.server).sort()]))
  const called = new Set(arrows.map((a) => a.server))
  const finished: string[] = []
  const open = new Set<string>()
  const done = new Set<string>()
  const backward = new Set<string>()
  const visit = (name: string) => {
    open.add(name)
    for (const next of callees.get(name) ?? []) {
      if (open.has(next)) backward.add(JSON.stringify([name, next]))
      else if (!done.has(next)) visit(next)
    }
    open.delete(name)
    done.add(name)
    finished.push(name)
  }
  // Whoever nobody calls goes first, so that circles are opened where requests come in.
  for (const name of [...inOrder.filter((n) => !called.has(n)), ...inOrder]) if (!done.has(name)) visit(name)
  const layer = new Map(inOrder.map((n) => [n, 0]))
  for (const name of finished.toReversed()) {
    for (const next of callees.get(name) ?? []) {
      if (layer.has(next) && !backward.has(JSON.stringify([name, next]))) layer.set(next, Math.max(layer.get(next) ?? 0, (layer.get(name) ?? 0) + 1))
    }
  }
  const layers: string[][] = []
  for (const name of inOrder) (layers[layer.get(name) ?? 0] ??= []).push(name)
  return layers
}

// ordered puts each layer in the order of the medians of its neighbours, so that few calls cross.
function ordered(layers: string[][], arrows: Arrow[]): string[][] {
  const sorted = layers.map((l) => [...l])
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 1; i < sorted.length; i++) sorted[i] = byMedians(sorted, i, (n) => arrows.filter((a) => a.server === n).map((a) => a.client))
    for (let i = sorted.length - 2; i >= 0; i--) sorted[i] = byMedians(sorted, i, (n) => arrows.filter((a) => a.client === n).map((a) => a.server))
  }
  return sorted
}

function byMedians(layers: string[][], at: number, neighbours: (name: string) => string[]): string[] {
  const place = new Map<string, number>()
  for (const layer of layers) layer.forEach((name, i) => place.set(name, (i + 0.5) / layer.length))
  const median = (name: string) => {
    const places = neighbours(name).map((n) => place.get(n) ?? 0).sort((a, b) => a - b)
    return places.length === 0 ? (place.get(name) ?? 0) : ((places[(places.length - 1) >> 1] as number) + (places[places.length >> 1] as number)) / 2
  }
  return [...(layers[at] ?? [])].sort((a, b) => median(a) - median(b) || (place.get(a) ?? 0) - (place.get(b) ?? 0))
}

/** Line is the curve of a call, the middle of it, and where its arrow's head points. */
export interface Line {
  path: string
  middle: [x: number, y: number]
  head: string
}

/** lineOf draws a call from the right edge of the caller to the left edge of the callee; one that leads back, below both. */
export function lineOf(from: Spot, to: Spot): Line {
  const [x1, x2] = [from.x + from.width / 2, to.x - to.width / 2 - 2]
  const forward = to.layer > from.layer
  const bend = forward ? Math.max(24, (x2 - x1) / 2) : 60
  const low = forward ? 0 : box.height + 24
  const [a, b]: [number, number][] = [[x1 + bend, from.y + low], [x2 - bend, to.y + low]] as [[number, number], [number, number]]
  const half = (p: number, q: number, r: number, s: number) => (p + 3 * q + 3 * r + s) / 8
  return {
    path: `M${fixed(x1)} ${fixed(from.y)}C${fixed(a[0])} ${fixed(a[1])} ${fixed(b[0])} ${fixed(b[1])} ${fixed(x2 - 6)} ${fixed(to.y)}`,
    middle: [half(x1, a[0], b[0], x2), half(from.y, a[1], b[1], to.y)],
    head: `M${fixed(x2)} ${fixed(to.y)}l-8 -5v10z`,
  }
}

const fixed = (n: number) => n.toFixed(1)
