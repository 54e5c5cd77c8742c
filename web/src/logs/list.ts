// Lists in an address: texts with commas between them.

/** joinList writes a list; a comma or a backslash in a text has a backslash before it. */
export function joinList(texts: string[]): string {
  return texts.map((t) => t.replace(/[\\,]/g, '\\$&')).join(',')
}

/** splitList reads what joinList wrote. */
export function splitList(text: string): string[] {
  const texts = ['']
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === ',') texts.push('')
    else texts[texts.length - 1] += c === '\\' ? text.charAt(++i) : c
  }
  return texts.filter((t) => t !== '')
}

/** toggled is a list with a text added, or taken away where it was there. */
export function toggled(texts: string[], text: string): string[] {
  return texts.includes(text) ? texts.filter((t) => t !== text) : [...texts, text]
}
