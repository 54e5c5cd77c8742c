// What the Logs view is asked: read from its address, and written as the API and as LogQL have it.
import type { Params } from '../api/client.ts'
import type { Settings } from '../frame/address.ts'
import { isID, quoted } from '../frame/find.ts'
import { splitList } from './list.ts'

/** levels are the names of levels, the most severe first; none are lines without one. */
export const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'none'] as const
export type LevelName = (typeof levels)[number]

export interface Question {
  /** as it was typed */
  q: string
  kind: 'all' | 'words' | 'logql' | 'id'
  levels: LevelName[]
  services: string[]
  joined: '' | 'yes' | 'no'
  /** key=value, all of which hold */
  attrs: string[]
  /** what in the address could not be read, in a sentence; empty if nothing */
  wrong: string
}

/** readQuestion reads an address's parameters. What cannot be read is left out, and told. */
export function readQuestion(params: Settings): Question {
  const q = (params.q ?? '').trim()
  const named = splitList(params.level ?? '')
  const known = levels.filter((l) => named.includes(l))
  const joined = params.joined === 'yes' || params.joined === 'no' ? params.joined : ''
  const attrs = splitList(params.attr ?? '')
  return {
    q,
    kind: q === '' ? 'all' : q.startsWith('{') ? 'logql' : isID(q) ? 'id' : 'words',
    levels: known,
    services: splitList(params.services ?? ''),
    joined,
    attrs: attrs.filter(isPair),
    wrong: wrongIn(named, params.joined ?? '', attrs),
  }
}

function wrongIn(named: string[], joined: string, attrs: string[]): string {
  const level = named.find((n) => !levels.some((l) => l === n))
  if (level !== undefined) return `“${level}” is no level: those are ${levels.join(', ')}`
  if (joined !== '' && joined !== 'yes' && joined !== 'no') return `joined is yes or no, not “${joined}”`
  const attr = attrs.find((a) => !isPair(a))
  return attr === undefined ? '' : `“${attr}” is no attribute: write key=value`
}

/** isPair says whether a text is an attribute with its value, key=value. */
export function isPair(text: string): boolean {
  return text.indexOf('=') > 0
}

/** paramsOf is the question as api/v1/logs has it, without its time. */
export function paramsOf(question: Question): Params {
  return {
    ...(question.kind === 'id' ? { trace_id: question.q } : { q: question.q }),
    level: question.levels,
    service: question.services,
    joined: question.joined,
    attr: question.attrs,
  }
}

/** countedByMinute says whether the counts that are kept of all lines answer the question. */
export function countedByMinute({ kind, attrs }: Question): boolean {
  return kind === 'all' && attrs.length === 0
}

/** without is the question without what one facet chose. */
export function without(question: Question, facet: 'levels' | 'services' | 'joined'): Question {
  return { ...question, [facet]: facet === 'joined' ? '' : [] }
}

const everyService = '{service_name=~".+"}'

/** logqlOf is the question as LogQL. */
export function logqlOf(question: Question): string {
  const { kind, q, services, joined } = question
  const parts = [kind === 'logql' ? q : selector(services)]
  if (kind === 'words') parts.push(`|~ ${quoted(`(?i)${escaped(q)}`)}`)
  if (kind === 'id') parts.push(`| trace_id=${quoted(q)}`)
  if (kind === 'logql' && services.length > 0) parts.push(`| service_name=~${quoted(services.map(escaped).join('|'))}`)
  if (question.levels.length > 0) parts.push(`| detected_level=~"${question.levels.map(lokiLevel).join('|')}"`)
  if (joined) parts.push(joined === 'yes' ? '| trace_id!=""' : '| trace_id=""')
  for (const attr of question.attrs) parts.push(attributeFilter(attr))
  return parts.join(' ')
}

function selector(services: string[]): string {
  if (services.length === 0) return everyService
  return services.length === 1 ? `{service_name=${quoted(services[0] as string)}}` : `{service_name=~${quoted(services.map(escaped).join('|'))}}`
}

// LogQL calls a level that nobody knows unknown.
function lokiLevel(level: LevelName): string {
  return level === 'none' ? 'unknown' : level
}

function attributeFilter(attr: string): string {
  const cut = attr.indexOf('=')
  return `| ${attr.slice(0, cut).replace(/[^A-Za-z0-9_]/g, '_')}=${quoted(attr.slice(cut + 1))}`
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
