// The id of a trace as other systems write it.

/** Spelling is an id in the way of one system. */
export interface Spelling {
  system: string
  id: string
}

/** spellingsOf writes an id of 32 hex digits in other ways. */
export function spellingsOf(id: string): Spelling[] {
  const low = id.slice(16)
  return [
    { system: 'W3C', id },
    { system: 'Datadog', id: BigInt(`0x${low}`).toString() },
    { system: 'X-Ray', id: `1-${id.slice(0, 8)}-${id.slice(8)}` },
    { system: 'B3, 64 bits', id: low },
  ]
}
