// An address says everything that is seen. It lives after the # of the page's own address, so it
// works behind any path prefix, and ids and queries stay out of proxies' logs.
import { signal } from '@preact/signals'

export const views = ['overview', 'metric', 'trace', 'logs', 'map', 'health'] as const
export type View = (typeof views)[number]
export type Settings = Record<string, string>

export interface Address {
  view: View
  /** of a trace, in any spelling */
  id: string
  params: Settings
}

/** common are the parameters that go along from view to view. */
const common = ['from', 'to', 'tz', 'theme']

/** longest is how long an address may be: longer ones are cut by mail programs and chats. */
export const longest = 2000

/** mostSteps is how many steps of the trail an address keeps. */
const mostSteps = 4

/** parse reads the part of an address after #; an unknown view is the overview. */
export function parse(hash: string): Address {
  const text = hash.replace(/^#?\/?/, '')
  const cut = text.indexOf('?')
  const path = cut < 0 ? text : text.slice(0, cut)
  const [name = '', ...rest] = path.split('/')
  const view = views.find((v) => v === name) ?? 'overview'
  const params: Settings = {}
  for (const [key, value] of new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))) params[key] = value
  return { view, id: view === 'trace' ? decoded(rest.join('/')) : '', params }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** format writes an address as parse reads it, with its #. Empty parameters are left out. */
export function format({ view, id, params }: Address): string {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== '')).toString()
  const path = view === 'overview' ? '' : view === 'trace' && id ? `trace/${encodeURIComponent(id)}` : view
  return `#/${path}${query && `?${query}`}`
}

/** address is where the page is. */
export const address = signal<Address>(parse(typeof location === 'undefined' ? '' : location.hash))

/** follow keeps address true to the browser's; it returns what ends that. */
export function follow(): () => void {
  const read = () => {
    if (format(address.value) !== location.hash) address.value = parse(location.hash)
  }
  addEventListener('hashchange', read)
  addEventListener('popstate', read)
  return () => {
    removeEventListener('hashchange', read)
    removeEventListener('popstate', read)
  }
}

/** go shows an address: as a new step of the history, or in place of the present one. */
export function go(to: Address, how: 'push' | 'replace' = 'push'): void {
  const hash = format(to)
  if (hash === format(address.value)) return
  if (how === 'push') history.pushState(null, '', hash)
  else history.replaceState(history.state, '', hash)
  address.value = parse(hash)
}

/** change sets parameters of the present view; an empty value takes one away. */
export function change(params: Settings, how: 'push' | 'replace' = 'push'): void {
  const now = address.value
  go({ ...now, params: without({ ...now.params, ...params }) }, how)
}

function without(params: Settings): Settings {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== ''))
}

/** sister is an address of a view with what is common to all, and no trail: what the tabs lead to. */
export function sister(view: View, params: Settings = {}, id = ''): Address {
  const now = address.value.params
  const kept = Object.fromEntries(common.filter((name) => now[name]).map((name) => [name, now[name] as string]))
  return { view, id, params: without({ ...kept, ...params }) }
}

/** next is an address that one comes to from the present view: its trail leads back. */
export function next(view: View, params: Settings = {}, id = ''): Address {
  const to = sister(view, params, id)
  const steps = [...trail(address.value), short(address.value)].slice(-mostSteps)
  to.params.via = JSON.stringify(steps)
  while (format(to).length > longest && steps.length > 0) {
    steps.shift()
    to.params.via = steps.length ? JSON.stringify(steps) : ''
  }
  return { ...to, params: without(to.params) }
}

/** href is next as a link has it. */
export function href(view: View, params: Settings = {}, id = ''): string {
  return format(next(view, params, id))
}

/** trail is the steps that led to an address, the oldest first, as parse reads them. */
export function trail({ params }: Address): string[] {
  try {
    const steps: unknown = JSON.parse(params.via ?? '[]')
    return Array.isArray(steps) ? steps.filter((s): s is string => typeof s === 'string').slice(-mostSteps) : []
  } catch {
    return []
  }
}

function short(a: Address): string {
  return format({ ...a, params: { ...a.params, via: '' } })
}

/** back is the address of one step of the trail, with the steps before it. */
export function back(from: Address, step: number): Address {
  const steps = trail(from)
  const to = parse(steps[step] ?? '')
  const before = steps.slice(0, step)
  return { ...to, params: before.length ? { ...to.params, via: JSON.stringify(before) } : to.params }
}
