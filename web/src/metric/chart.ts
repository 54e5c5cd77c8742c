// Draws lines with uPlot. It is loaded when a metric is shown that has lines.
import 'uplot/dist/uPlot.min.css'
import UPlot from 'uplot'
import type { Course } from './course.ts'

/** draw draws the lines of a course into an element, and returns what removes them. */
export function draw(into: HTMLElement, course: Course, size: { width: number; height: number }, colours: string[]): () => void {
  const hidden = { show: false }
  const end = course.times[course.times.length - 1] ?? course.start + course.step
  const plot = new UPlot(
    {
      ...size,
      padding: [0, 0, 0, 0],
      legend: hidden,
      cursor: hidden,
      axes: [hidden, hidden],
      scales: { x: { range: [course.start, end + course.step] }, y: { range: [course.lowest, course.highest] } },
      series: [{}, ...course.lines.map((_, i) => ({ stroke: colours[i % colours.length] ?? '#888', width: 1.5, points: { show: course.times.length < 60, size: 4 } }))],
    },
    [course.times, ...course.lines.map((l) => l.values)],
    into,
  )
  return () => plot.destroy()
}
