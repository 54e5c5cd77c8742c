// The facets: levels, services, joined or not, attributes, each with its count.
import { useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { change } from '../frame/address.ts'
import { useKeys } from '../frame/keys.ts'
import { Level, ServiceMark, shown } from '../parts/marks.tsx'
import { count } from '../words/numbers.ts'
import type { Choice, Facets as Known } from './counts.ts'
import { joinList, toggled } from './list.ts'
import { isPair, type Question } from './question.ts'
import type { Joined } from './use-counts.ts'

/** shownServices is how many services are listed before the rest is behind a filter. */
const shownServices = 12

interface FacetsProps {
  question: Question
  known: Known | undefined
  joined: Joined | undefined
  /** key=value of the lines that are shown, the most frequent first: offered while one types */
  attributes: string[]
}

export function Facets({ question, known, joined, attributes }: FacetsProps) {
  return (
    <section class="card facets" aria-label="Filters">
      <Group title="Level">
        {known?.levels.map((c) => (
          <Box
            key={c.name}
            on={question.levels.some((l) => l === c.name)}
            lines={c.lines}
            toggle={() => change({ level: joinList(toggled(question.levels, c.name)) })}
          >
            <span aria-hidden="true">
              <Level severity={c.name === 'none' ? '' : c.name.toUpperCase()} />
            </span>
            {c.name === 'none' ? 'no level' : c.name}
          </Box>
        ))}
      </Group>
      <Services chosen={question.services} services={known?.services ?? []} />
      <Group title="Trace">
        <JoinedBox question={question} value="yes" lines={joined?.yes} about={joined?.about}>
          joined to a trace
        </JoinedBox>
        <JoinedBox question={question} value="no" lines={joined?.no} about={joined?.about}>
          no trace id
        </JoinedBox>
      </Group>
      <Attributes chosen={question.attrs} offered={attributes} />
    </section>
  )
}

function Group({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <fieldset class="facet">
      <legend>{title}</legend>
      {children}
    </fieldset>
  )
}

interface BoxProps {
  on: boolean
  /** undefined while that is not known */
  lines: number | undefined
  about?: boolean | undefined
  /** absent for what cannot be chosen: a service without a name has nothing to be asked by */
  toggle: (() => void) | undefined
  children: ComponentChildren
}

function Box({ on, lines, about, toggle, children }: BoxProps) {
  return (
    <label class="choice">
      <input type="checkbox" checked={on} disabled={!toggle} onChange={toggle} />
      <span class="choice-name">{children}</span>
      <span class="choice-count" title={lines?.toLocaleString('en-US')}>
        {about && '≈ '}
        {lines === undefined ? '' : count(lines)}
      </span>
    </label>
  )
}

function JoinedBox({ question, value, ...rest }: { question: Question; value: 'yes' | 'no'; children: ComponentChildren } & Pick<BoxProps, 'lines' | 'about'>) {
  const on = question.joined === value
  return <Box on={on} toggle={() => change({ joined: on ? '' : value })} {...rest} />
}

function Services({ chosen, services }: { chosen: string[]; services: Choice[] }) {
  const [filter, setFilter] = useState('')
  const fitting = services.filter((s) => s.name.toLowerCase().includes(filter.toLowerCase()))
  const listed = fitting.filter((s, i) => i < shownServices || chosen.includes(s.name))
  return (
    <Group title="Service">
      {services.length > shownServices && (
        <input class="field facet-filter" aria-label="Filter services" placeholder={`filter ${services.length} services`} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
      )}
      {listed.map((s) => (
        <Box key={s.name} on={chosen.includes(s.name)} lines={s.lines} toggle={s.name === '' ? undefined : () => change({ services: joinList(toggled(chosen, s.name)) })}>
          <ServiceMark service={s.name} />
          <span class="cut" title={shown(s.name)}>
            {shown(s.name) || 'no service.name'}
          </span>
        </Box>
      ))}
      {fitting.length > listed.length && <p class="faint">{fitting.length - listed.length} more: filter them</p>}
    </Group>
  )
}

function Attributes({ chosen, offered }: { chosen: string[]; offered: string[] }) {
  const field = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState('')
  useKeys([{ key: 'a', does: 'only lines with an attribute', run: () => field.current?.focus() }])
  const add = (event: SubmitEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ''
    if (!isPair(text)) return setWrong('Write key=value, as order.id=17.')
    setWrong('')
    if (field.current) field.current.value = ''
    if (!chosen.includes(text)) change({ attr: joinList([...chosen, text]) })
  }
  return (
    <Group title="Only with">
      {chosen.map((a) => (
        <span class="chosen" key={a}>
          <span class="cut mono" title={a}>
            {a}
          </span>
          <button type="button" class="plain" aria-label={`Without ${a}`} onClick={() => change({ attr: joinList(toggled(chosen, a)) })}>
            ✕
          </button>
        </span>
      ))}
      <form onSubmit={add} class="facet-add">
        <input
          ref={field}
          class="field"
          aria-label="Attribute, as key=value"
          aria-invalid={wrong !== ''}
          placeholder="key=value"
          list="attributes"
          autocomplete="off"
          spellcheck={false}
          onKeyDown={(e) => e.key === 'Escape' && (e.stopPropagation(), field.current?.blur())}
        />
        <kbd class="only-wide">a</kbd>
        <datalist id="attributes">
          {offered.map((o) => (
            <option key={o} value={o} />
          ))}
        </datalist>
      </form>
      {wrong && <p role="alert">{wrong}</p>}
    </Group>
  )
}
