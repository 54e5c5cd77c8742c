// What a log line says, without what its logger wrote around it.

/** members are those of JSON in which loggers write what is said. */
const members = ['message', 'msg', 'log', 'body', 'event', 'text']

/** layout is what loggers write before it: time, level, names in brackets. In a template marks stand for its numbers. */
const layout = /^(?:\d{4}|<_>)-(?:\d\d|<_>)-(?:\d\d|<_>)[ T](?:[\d:.,]|<_>)+(?:Z|[+-]\d\d:?\d\d)?\s+\[?[A-Z]{4,8}\]?\s+(?:\[[^\]]*\]\s*)*[-:]\s+/

/** withIds is what others write: time, level, a logger's name, and the ids by name, after which the text begins. */
const withIds = /^(?:(?:\d{4}|<_>)-(?:\d\d|<_>)-(?:\d\d|<_>)[ T])?(?:[\d:.,]|<_>)+Z?\s+\[?[A-Z]{4,8}\]?\s+\S+\s+(?:(?:trace|span)[-_ ]?id[:=]\s*\S+[\s,]+){1,2}/i

/** saying is what a line says: of JSON its message, of a logger's layout what comes after it, else the whole text. */
export function saying(text: string): string {
  if (text.startsWith('{')) return ofJSON(text) ?? text
  return withoutLayout(text)
}

/** withoutLayout is a text without what its logger wrote before it. */
export function withoutLayout(text: string): string {
  return text.replace(layout, '').replace(withIds, '')
}

function ofJSON(text: string): string | undefined {
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>
    const name = members.find((m) => typeof parsed[m] === 'string' && parsed[m] !== '')
    return name && (parsed[name] as string)
  } catch {
    return undefined
  }
}
