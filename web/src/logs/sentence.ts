// The sentence that opens the Logs view, in words from its question.
import { count, plural } from '../words/numbers.ts'
import type { LevelName, Question } from './question.ts'

/** howMany says how many lines fit: "858 of 5,826 lines". */
export function howMany(matched: number, total: number): string {
  return matched === total ? plural(total, 'line') : `${count(matched)} of ${plural(total, 'line')}`
}

/** whatOf says what lines are asked for: "warnings and worse, every service". */
export function whatOf(question: Question): string {
  const { q, kind, services, joined, attrs } = question
  return [
    levelWords(question.levels),
    servicesWords(services),
    joined === 'yes' ? 'with a trace id' : joined === 'no' ? 'without a trace id' : '',
    ...attrs.map((a) => `with ${a}`),
    kind === 'words' ? `with “${q}”` : kind === 'id' ? `of trace ${q}` : kind === 'logql' ? `by ${q}` : '',
  ]
    .filter(Boolean)
    .join(', ')
}

const many: Record<LevelName, string> = {
  fatal: 'fatal errors',
  error: 'errors',
  warn: 'warnings',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
  none: 'no level',
}

function levelWords(levels: LevelName[]): string {
  const has = (l: LevelName) => levels.includes(l)
  if (levels.length === 0) return ''
  const severe = levels.filter((l) => l === 'fatal' || l === 'error' || l === 'warn').length === levels.length
  if (severe && has('warn') && has('error')) return 'warnings and worse'
  if (severe && has('error')) return 'errors'
  return listed(levels.map((l) => many[l]))
}

function servicesWords(services: string[]): string {
  if (services.length === 0) return 'every service'
  return services.length > 3 ? `${services.length} services` : `of ${listed(services)}`
}

/** listed joins words as in a sentence: "a, b and c". */
export function listed(words: string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
