// Against shows a value beside its usual: a bar from a middle line, left faster, right slower.
import './against.css'
import { against, asUsual } from '../words/numbers.ts'

const [width, height] = [92, 10]
/** half of the bar's width is this many times the usual, on a logarithmic scale */
const far = 300

interface AgainstProps {
  now: number
  /** 0 or undefined where there is no usual yet */
  usual: number | undefined
}

export function Against({ now, usual }: AgainstProps) {
  if (!usual || now <= 0) return <span class="faint against-none">{usual === undefined ? 'no usual yet' : ''}</span>
  const times = now / usual
  const reach = Math.min(1, Math.abs(Math.log(times)) / Math.log(far))
  const length = Math.max(1, (reach * width) / 2)
  const unusual = times >= 2
  const text = against(now, usual)
  return (
    <span class="against">
      <svg aria-hidden="true" viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
        <path class="against-middle" d={`M${width / 2} 0v${height}`} />
        <rect class={unusual ? 'against-more' : 'against-less'} x={times > 1 ? width / 2 : width / 2 - length} y={height / 2 - 2} width={length} height={4} />
      </svg>
      <span class={unusual ? 'unusual' : times < asUsual ? 'faint' : 'quiet-text'}>{text}</span>
    </span>
  )
}
