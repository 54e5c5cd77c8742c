// Templates of warnings and errors that nobody logged in the 24 hours before: often the cause.
import { useSignal } from '@preact/signals'
import type { Answer } from '../api/answer.ts'
import type { LogTemplates, Template } from '../api/types.ts'
import { href } from '../frame/address.ts'
import { about } from '../frame/about.ts'
import { range } from '../frame/range.ts'
import { Level, ServiceMark, shown } from '../parts/marks.tsx'
import { Card, Empty, Part } from '../parts/part.tsx'
import { count } from '../words/numbers.ts'
import { clockTime, ms } from '../words/times.ts'
import { saying } from '../words/saying.ts'

const most = 10
const day = 86_400_000

export function FirstSeen({ answer }: { answer: Answer<LogTemplates> }) {
  const all = useSignal(false)
  return (
    <Card title="First seen in this range" about="warnings and errors not logged before" class="first-seen">
      <Part
        answer={answer}
        lines={10}
        empty={(v) => (v.templates.length === 0 ? <Empty>Nothing new in 24 h.</Empty> : undefined)}
        partial={() => begins()}
      >
        {({ templates }) => {
          // Of those that began in one step the rare ones come first: causes are told once, effects often.
          const rows = [...templates].sort((a, b) => ms(a.first_seen) - ms(b.first_seen) || a.count - b.count)
          return (
            <>
              <ol>
                {(all.value ? rows : rows.slice(0, most)).map((t) => (
                  <TemplateRow key={`${t.service} ${t.severity} ${t.template}`} of={t} />
                ))}
              </ol>
              {rows.length > most && (
                <button type="button" class="button quiet" onClick={() => (all.value = !all.value)}>
                  {all.value ? `The first ${most} only` : `${rows.length - most} more`}
                </button>
              )}
            </>
          )
        }}
      </Part>
    </Card>
  )
}

// With less than a day of data before the range, what is new is new since the data begins.
function begins(): string | undefined {
  const seen = about.value?.oldest.seen
  return seen && range.value.start - ms(seen) < day ? `Since ${clockTime(ms(seen)).slice(0, 5)}, when data begins.` : undefined
}

function TemplateRow({ of }: { of: Template }) {
  return (
    <li>
      <a class="plain template" href={href('logs', { q: longestText(of.template), services: of.service, level: of.severity.toLowerCase() })}>
        <span class="mono faint">{clockTime(ms(of.first_seen)).slice(0, 5)}</span>
        <Level severity={of.severity} />
        <span class="number faint">{count(of.count)}&#8201;×</span>
        <ServiceMark service={of.service} />
        <span class="mono template-text">
          <span class="heard">{shown(of.service)}: </span>
          {shown(saying(of.template).replaceAll('<_>', '‹n›'))}
        </span>
      </a>
    </li>
  )
}

/** longestText is the longest part of a template that all of its lines have: words to search for. */
export function longestText(template: string): string {
  return template.split('<_>').reduce((a, b) => (b.length > a.length ? b : a), '').trim()
}
