// The small marks that all views share: of services and of levels.
import './marks.css'
import type { ComponentChildren } from 'preact'
import { markOf } from '../words/services.ts'

/** ServiceMark is a service's two letters on its hue; the name stands in its title. */
export function ServiceMark({ service }: { service: string }) {
  const { letters, hue } = markOf(service)
  return (
    <span class={`mark hue-${hue < 0 ? 'none' : hue}`} title={shown(service)} aria-hidden="true">
      {letters}
    </span>
  )
}

/** Service is a service's mark and name. */
export function Service({ name, children }: { name: string; children?: ComponentChildren }) {
  return (
    <span class="service">
      <ServiceMark service={name} />
      <span class="cut">{shown(name) || 'no service.name'}</span>
      {children}
    </span>
  )
}

const levels: Record<string, [letter: string, kind: string]> = {
  FATAL: ['F', 'bad'],
  ERROR: ['E', 'bad'],
  WARN: ['W', 'warn'],
  INFO: ['I', 'plain'],
  DEBUG: ['D', 'plain'],
  TRACE: ['T', 'plain'],
}

/** Level is the letter of a log line's severity; those without one have a dot. */
export function Level({ severity }: { severity: string }) {
  const [letter, kind] = levels[severity] ?? ['·', 'plain']
  return (
    <span class={`level level-${kind}`}>
      <span aria-hidden="true">{letter}</span>
      <span class="heard">{severity.toLowerCase() || 'no level'}</span>
    </span>
  )
}

// Marks of control but tab and line feed; marks that turn the direction of text, and others unseen.
const unseen = /[^\P{C}\t\n]|[\u2028\u2029]/gu

/** shown is text of telemetry as the page shows it: marks that nobody sees, as symbols. */
export function shown(text: string): string {
  return text.replace(unseen, (c) => {
    const code = c.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : c === '\u00ad' || c === '\u200d' ? c : '\ufffd'
  })
}

/** bodyOf is a log record's body as text: a string as it is, all else as JSON. */
export function bodyOf(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
}
