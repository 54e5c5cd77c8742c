// What the reader chose, as the address has it.
import type { Settings } from '../frame/address.ts'
import type { View } from './rows.ts'

/** mostOpen is how many ids an address keeps of what was opened and closed. */
const mostOpen = 50

/** Choice is all that the address says of the trace view. */
export interface Choice extends Omit<View, 'keep'> {
  /** the id of the selected span */
  span: string
  criticalOnly: boolean
  find: string
  matchesOnly: boolean
  /** what is seen, ns after the trace's start; the whole trace where it is not there */
  zoom: [number, number] | undefined
  /** parameters that cannot be read, with why */
  wrong: string[]
}

/** choiceOf reads an address's parameters. */
export function choiceOf(params: Settings): Choice {
  const wrong: string[] = []
  const open = (params.open ?? '').split(',').filter(Boolean)
  const marked = (mark: string) => new Set(open.filter((id) => id.startsWith(mark)).map((id) => id.slice(1)))
  return {
    span: params.span ?? '',
    lines: flag(params, 'logs', true, wrong),
    fold: flag(params, 'fold', true, wrong),
    criticalOnly: flag(params, 'cp', false, wrong),
    matchesOnly: flag(params, 'only', false, wrong),
    find: params.find ?? '',
    zoom: zoomOf(params.zoom ?? '', wrong),
    open: new Set(open.filter((id) => /^[0-9a-f]/.test(id))),
    shut: marked('-'),
    all: marked('*'),
    wrong,
  }
}

function flag(params: Settings, name: string, usual: boolean, wrong: string[]): boolean {
  const value = params[name]
  if (value === undefined) return usual
  if (value !== '0' && value !== '1') {
    wrong.push(`${name}=${value} is neither 0 nor 1`)
    return usual
  }
  return value === '1'
}

function zoomOf(text: string, wrong: string[]): [number, number] | undefined {
  if (text === '') return undefined
  const [from = NaN, to = NaN, ...more] = text.split(',').map((part) => (part === '' ? NaN : Number(part)))
  if (from < to && more.length === 0) return [from, to]
  wrong.push(`zoom=${text} is no stretch of time: two numbers of nanoseconds, the smaller first`)
  return undefined
}

/** openOf writes what is open and closed as choiceOf reads it; the first go where there are too many. */
export function openOf(view: Pick<View, 'open' | 'shut' | 'all'>): string {
  return [...view.open, ...[...view.shut].map((id) => `-${id}`), ...[...view.all].map((id) => `*${id}`)].slice(-mostOpen).join(',')
}

/** zoomText writes a stretch as choiceOf reads it. */
export function zoomText(zoom: [number, number] | undefined): string {
  return zoom ? zoom.map(Math.round).join(',') : ''
}
