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
/** most is how far layers are apart where there is room. */
const most = 150
/** clear is how far boxes beside each other are apart at least, and step how far the left edges of layers are. */
const [clear, step] = [30, 30]
/** row is how far names in a layer are apart at least, and at most twice; rim is the picture's own. */
const [row, rim] = [84, 12]
/** tight is how far rows are apart in a picture of many layers. */
const tight = 64
/** passes is how often layers are put in the order of their neighbours, there and back. */
const passes = 2

/** layoutOf places names in a picture of this width. Where layers do not have room beside each other they overlap, each name in a row of its own. */
export function layoutOf(names: string[], arrows: Arrow[], width: number, widthOf: (name: string) => number = () => box.width): Layout {
  const layers = ordered(layersOf(names, arrows), arrows)
  const wide = layers.map((l) => Math.max(...l.map(widthOf)))
  const lefts = leftsOf(wide, width)
  const rights = lefts.map((left, i) => left + (wide[i] as number))
  const beside = lefts.map((left) => rights.findIndex((right) => right + clear > left)) // the first of the layers that reach into this one
  const overlap = beside.some((first, i) => first < i)
  const { rows, height } = overlap ? shared(layers, beside) : apart(layers)
  const spots = new Map<string, Spot>()
  layers.forEach((layer, i) => {
    const x = (lefts[i] as number) + (wide[i] as number) / 2
    layer.forEach((name, j) => spots.set(name, { layer: i, x, y: rows[i]?.[j] as number, width: widthOf(name) }))
  })
  return { spots, width: Math.max(rim, ...rights) + rim, height }
}

// leftsOf is where each layer begins: apart as far as there is room, or by even steps so that all fit into the width.
function leftsOf(wide: number[], width: number): number[] {
  const between = Math.max(1, wide.length - 1)
  const gap = Math.min(most, Math.floor((width - wide.reduce((sum, w) => sum + w, 2 * rim)) / between))
  const even = Math.max(step, Math.floor((width - 2 * rim - Math.max(...wide)) / between))
  let left = rim
  return wide.map((own) => {
    const here = left
    left += gap >= clear ? own + gap : even
    return here
  })
}

// apart spreads each layer over the height of the fullest.
function apart(layers: string[][]): { rows: number[][]; height: number } {
  const height = Math.max(1, ...layers.map((l) => l.length)) * row + rim
  const rows = layers.map((layer) => {
    const each = Math.min(2 * row, (height - rim) / layer.length)
    return layer.map((_, j) => (height - each * layer.length) / 2 + each * (j + 0.5))
  })
  return { rows, height }
}

// shared gives each layer rows that no layer has which reaches into it, spread over those that are free.
function shared(layers: string[][], beside: number[]): { rows: number[][]; height: number } {
  const count = Math.max(...layers.map((_, i) => layers.slice(beside[i], i + 1).reduce((sum, l) => sum + l.length, 0)))
  const taken: number[][] = []
  layers.forEach((layer, i) => {
    const others = new Set(taken.slice(beside[i], i).flat())
    const free = Array.from({ length: count }, (_, r) => r).filter((r) => !others.has(r))
    taken.push(layer.map((_, j) => free[Math.floor(((j + 0.5) * free.length) / layer.length)] as number))
  })
  return { rows: taken.map((rows) => rows.map((r) => rim + tight * (r + 0.5))), height: count * tight + 2 * rim }
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

/** Point is a place in the picture, in px. */
type Point = [x: number, y: number]

/** Line is the curve of a call, some places on it from its middle outwards, and where its arrow's head points. */
export interface Line {
  path: string
  places: Point[]
  head: string
}

/** along is where on a curve words may stand: the middle first. */
const along = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82]

/** lineOf draws a call to the left edge of the callee: from the right edge of the caller, or from above or below where that lies too far right. One that leads back runs below both. */
export function lineOf(from: Spot, to: Spot): Line {
  const [x1, x2] = [from.x + from.width / 2, to.x - to.width / 2 - 2]
  const curve = to.layer <= from.layer ? back(from, to, x1, x2) : x2 - x1 >= clear - 4 ? across(from, to, x1, x2) : around(from, to, x2)
  const [start, a, b, end] = curve
  return {
    path: `M${written(start)}C${written(a)} ${written(b)} ${written(end)}`,
    places: along.map((t) => [0, 1].map((i) => bezier(t, curve.map((p) => p[i] as number))) as Point),
    head: `M${fixed(x2)} ${fixed(to.y)}l-8 -5v10z`,
  }
}

type Curve = [start: Point, a: Point, b: Point, end: Point]

function across(from: Spot, to: Spot, x1: number, x2: number): Curve {
  const bend = Math.max(24, (x2 - x1) / 2)
  return [[x1, from.y], [x1 + bend, from.y], [x2 - bend, to.y], [x2 - 6, to.y]]
}

function around(from: Spot, to: Spot, x2: number): Curve {
  const x = Math.max(from.x - from.width / 2 + 12, Math.min(from.x + from.width / 2 - 8, x2 - 20))
  const edge = from.y + (Math.sign(to.y - from.y) * box.height) / 2
  return [[x, edge], [x, (edge + 2 * to.y) / 3], [x, to.y], [x2 - 6, to.y]]
}

function back(from: Spot, to: Spot, x1: number, x2: number): Curve {
  const low = box.height + 24
  return [[x1, from.y], [x1 + 60, from.y + low], [x2 - 60, to.y + low], [x2 - 6, to.y]]
}

const bezier = (t: number, [p, q, r, s]: number[]) => (1 - t) ** 3 * (p ?? 0) + 3 * (1 - t) ** 2 * t * (q ?? 0) + 3 * (1 - t) * t ** 2 * (r ?? 0) + t ** 3 * (s ?? 0)
const written = ([x, y]: Point) => `${fixed(x)} ${fixed(y)}`
const fixed = (n: number) => n.toFixed(1)

/** flagHeight is how high (px) words on a call are drawn. */
export const flagHeight = 18

/** flagsAt finds a place for words of these widths (px), each on its line: beside all boxes and each other. Undefined where there is none. */
export function flagsAt(spots: Iterable<Spot>, flags: { line: Line; width: number }[]): (Point | undefined)[] {
  const taken = [...spots].map(({ x, y, width }) => ({ x, y, width, height: box.height }))
  return flags.map(({ line, width }) => {
    const place = line.places.find(([x, y]) => taken.every((t) => Math.abs(t.x - x) >= (t.width + width) / 2 || Math.abs(t.y - y) >= (t.height + flagHeight) / 2))
    if (place) taken.push({ x: place[0], y: place[1], width, height: flagHeight })
    return place
  })
}
