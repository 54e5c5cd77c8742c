// Other metrics: a line chart by the Prometheus API. Its box is a time, without a height.
import './series.css'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { useAnswer } from '../api/answer.ts'
import { address } from '../frame/address.ts'
import { explore } from '../frame/grafana.ts'
import { useHand } from '../frame/hand.ts'
import { useKeys } from '../frame/keys.ts'
import { asked, iso, range } from '../frame/range.ts'
import { theme } from '../frame/theme.ts'
import { Card, Empty, Note, Part } from '../parts/part.tsx'
import { shown } from '../parts/marks.tsx'
import { count, plural } from '../words/numbers.ts'
import { hues } from '../words/services.ts'
import { clockTime, zone } from '../words/times.ts'
import { AroundTime } from './beside.tsx'
import { parseBox, type Box } from './box.ts'
import { courseOf, stepOf, written, type Course, type Matrix } from './course.ts'
import { flat, valueTicks, type Frame } from './grid.ts'
import { Picker } from './picker.tsx'
import { outside, Plot } from './plot.tsx'
import { setBox } from './requests.tsx'
import { boxText } from './sentences.ts'
import { Traces } from './traces.tsx'
import { useNarrow } from './watch.ts'

export function SeriesOf({ query }: { query: string }) {
  const text = address.value.params.box ?? ''
  const box = useMemo(() => parseBox(text), [text])
  const step = stepOf(range.value.end - range.value.start)
  const [start, end] = [Math.floor(range.value.start / 1000 / step) * step, Math.ceil(range.value.end / 1000)]
  const question = { query, start, end, step }
  const answer = useAnswer<Matrix>('prometheus/api/v1/query_range', question)
  useHand({ title: query, ask: { path: 'prometheus/api/v1/query_range', params: question }, grafana: explore('plait-prometheus', { expr: query }) })
  useKeys(box ? [{ key: 'Escape', does: 'remove the box', run: () => setBox(undefined) }] : [])
  const time = box && { start: Number.isFinite(box.t0) ? box.t0 : range.value.start, end: Number.isFinite(box.t1) ? box.t1 : range.value.end }
  const when = time ? { start: iso(time.start), end: iso(time.end) } : asked()
  return (
    <div class="view metric">
      <section class="card metric-picture" aria-label="A metric over time">
        <h1 class="heard">{query}</h1>
        <Picker query={query} />
        <Part answer={answer} lines={12} reading="asking for the metric">
          {(matrix) => <Shown course={courseOf(matrix, start, end, step)} query={query} box={box} />}
        </Part>
      </section>
      <div class="stack metric-side">
        {time ? <AroundTime time={time} /> : <HowTo />}
      </div>
      <Traces of={{ query, ...when, min: undefined, max: undefined }} boxed={box !== undefined} />
    </div>
  )
}

function HowTo() {
  return (
    <Card title="Choose a time">
      <p class="common-rest quiet-text">
        Drag over the lines, or press <kbd>b</kbd> and use the arrows. The traces below are then those of that time that fit the metric's labels, and lines that were logged then without a trace id stand here.
      </p>
    </Card>
  )
}

function Shown({ course, query, box }: { course: Course; query: string; box: Box | undefined }) {
  const narrow = useNarrow()
  const [first] = course.lines
  const grid = useMemo(() => flat(course.start * 1000, course.step * 1000, course.times.length), [course.start, course.step, course.times.length])
  if (!first) return <Empty>No sample of {query} in this range. Its name may be spelled otherwise: the field above completes names.</Empty>
  const says = `${plural(course.lines.length + course.more, 'series', 'series')}; the highest value, ${written(first.highest, query)}, was at ${clockTime(first.highestAt * 1000)} ${zone(first.highestAt * 1000)}.`
  const scale = (frame: Frame, value: number) => frame.top + frame.height * (1 - (value - course.lowest) / (course.highest - course.lowest || 1))
  return (
    <>
      <p class="metric-says">{says}</p>
      {course.more > 0 && <Note>{count(course.more)} more series reach less high, and are not drawn.</Note>}
      {box && outside(grid, box) && <Note>The box, {boxText(box)}, is not in this range.</Note>}
      <Plot
        grid={grid}
        height={narrow ? 200 : 260}
        box={box}
        onBox={setBox}
        first={() => undefined}
        flag={(b) => boxText(b)}
        yTicks={(frame) => valueTicks(course.lowest, course.highest).map((v) => ({ y: scale(frame, v), text: written(v, query) }))}
        under={(frame) => <Chart course={course} frame={frame} says={says} />}
      />
      <ul class="series-names" aria-label="Series">
        {course.lines.map((l, i) => (
          <li key={l.name}>
            <i class={`hue-${i % hues}`} aria-hidden="true" />
            <span class="mono">{shown(l.name)}</span> <span class="quiet-text">up to {written(l.highest, query)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

// uPlot is loaded with the first chart.
function Chart({ course, frame, says }: { course: Course; frame: Frame; says: string }) {
  const element = useRef<HTMLDivElement>(null)
  const dark = theme.value
  useEffect(() => {
    let remove = () => {}
    let left = false
    void import('./chart.ts').then(({ draw }) => {
      if (left || !element.current) return
      const style = getComputedStyle(document.documentElement)
      const colours = Array.from({ length: hues }, (_, i) => style.getPropertyValue(`--service-${i}`).trim())
      remove = draw(element.current, course, { width: frame.width, height: frame.height }, colours)
    })
    return () => {
      left = true
      remove()
    }
  }, [course, frame.width, frame.height, dark])
  return <div ref={element} class="series-chart" role="img" aria-label={says} style={{ left: `${frame.left}px`, top: `${frame.top}px` }} />
}
