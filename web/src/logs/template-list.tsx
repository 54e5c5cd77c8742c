// The templates of the lines: the same words with other numbers, and when they were logged.
import { change, href } from '../frame/address.ts'
import { Card, Empty, Part } from '../parts/part.tsx'
import { Level, ServiceMark, shown } from '../parts/marks.tsx'
import { Spark } from '../parts/spark.tsx'
import type { Answer } from '../api/answer.ts'
import type { LogTemplates, Template } from '../api/types.ts'
import { count, plural } from '../words/numbers.ts'
import { ms } from '../words/times.ts'
import { joinList, toggled } from './list.ts'
import { courseOf, shortOf, shownTemplate } from './templates.ts'

/** few is how many templates stand above the lines. */
export const few = 6

interface TemplatesProps {
  answer: Answer<LogTemplates>
  hidden: string[]
  /** all of them, in place of the lines */
  all: boolean
  matched: number | undefined
}

export function Templates({ answer, hidden, all, matched }: TemplatesProps) {
  const { value } = answer
  const about = value && `${count(value.total)}${matched === undefined ? '' : ` in ${plural(matched, 'line')}`}; the same words with other numbers`
  const turn = (
    <button type="button" class="button quiet" aria-pressed={all} onClick={() => change({ group: all ? '' : 'templates' })}>
      {all ? 'Show the lines' : 'All templates'}
    </button>
  )
  return (
    <Card title="Templates" about={about} aside={value && (value.total > few || all) ? turn : undefined} class="templates">
      <Part answer={answer} lines={few} reading="reading templates" empty={(v) => (v.templates.length === 0 ? <Empty>These lines have no template in common.</Empty> : undefined)}>
        {(v) => (
          <ol>
            {ordered(v.templates, hidden)
              .slice(0, all ? undefined : few)
              .map((t) => (
                <TemplateRow key={shortOf(t)} template={t} hidden={hidden} start={ms(v.start)} end={ms(v.end)} />
              ))}
          </ol>
        )}
      </Part>
    </Card>
  )
}

// What is hidden goes last: it must be there to be taken back.
function ordered(templates: Template[], hidden: string[]): Template[] {
  const isHidden = (t: Template) => hidden.includes(shortOf(t))
  return [...templates.filter((t) => !isHidden(t)), ...templates.filter(isHidden)]
}

function TemplateRow({ template: t, hidden, start, end }: { template: Template; hidden: string[]; start: number; end: number }) {
  const name = shortOf(t)
  const isHidden = hidden.includes(name)
  const text = shown(shownTemplate(t.template).slice(0, 2000))
  const words = longestOf(shownTemplate(t.template).replace(/ {2}\{…\}$/, ''))
  return (
    <li class={`template${isHidden ? ' template-hidden' : ''}`}>
      <Level severity={t.severity} />
      <ServiceMark service={t.service} />
      <span class="number" title={t.count.toLocaleString('en-US')}>
        {count(t.count)}
      </span>
      <a class="cut mono" title={text} href={href('logs', { q: words, services: joinList([t.service]), level: t.severity.toLowerCase() || 'none' })}>
        {text}
      </a>
      <button type="button" class="plain" title="Hide these lines, or show them again (v for the line that is selected)" onClick={() => change({ hide: joinList(toggled(hidden, name)) })}>
        {isHidden ? 'show' : 'not this'}
      </button>
      <Spark bars={courseOf(t, start, end)} width={108} height={16} says={`${count(t.count)} lines over the range`} />
    </li>
  )
}

// The longest stretch of a template without a mark finds its lines.
function longestOf(template: string): string {
  return template.split('‹n›').sort((a, b) => b.length - a.length)[0]?.trim() ?? ''
}
