// Spark is a small chart of bars: grey what is usual, orange or red what is not. One path each.
import './spark.css'

export interface Bar {
  value: number
  kind: 'usual' | 'unusual' | 'failed'
}

interface SparkProps {
  bars: Bar[]
  width: number
  height: number
  /** what it shows, in a sentence: who cannot see it hears this */
  says: string
}

const kinds = ['usual', 'unusual', 'failed'] as const

/** Spark draws bars from the left; the highest takes the whole height. */
export function Spark({ bars, width, height, says }: SparkProps) {
  const most = Math.max(...bars.map((b) => b.value), 0)
  return (
    <svg class="spark" role="img" aria-label={says} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" width={width} height={height}>
      {kinds.map((kind) => (
        <path key={kind} class={`spark-${kind}`} d={pathOf(bars, kind, most, width, height)} />
      ))}
    </svg>
  )
}

function pathOf(bars: Bar[], kind: Bar['kind'], most: number, width: number, height: number): string {
  const step = width / Math.max(bars.length, 1)
  const gap = step > 3 ? 1 : 0
  return bars
    .map((bar, i) => {
      if (bar.kind !== kind || bar.value <= 0) return ''
      const h = Math.max(1, (bar.value / most) * height)
      return `M${(i * step).toFixed(1)} ${height}v${(-h).toFixed(1)}h${(step - gap).toFixed(1)}v${h.toFixed(1)}z`
    })
    .join('')
}
