// What a view hands to the frame: how its answer is got by curl and by SQL, and what it is of.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { urlOf, type Params } from '../api/client.ts'
import { shown } from '../parts/marks.tsx'

/** Hand is what can be taken along from a view. */
export interface Hand {
  /** the title of the view, in words from the data */
  title: string
  /** the question whose answer the view shows */
  ask?: { path: string; params: Params }
  /** the same by SQL; empty where SQL cannot say it */
  sql?: string
  /** where Grafana shows it, after its address: explore?… */
  grafana?: string
}

export const hand = signal<Hand>({ title: '' })

/** useHand hands what over while the caller is shown. */
export function useHand(what: Hand): void {
  const text = JSON.stringify(what)
  useEffect(() => {
    hand.value = what
    document.title = what.title ? `${shown(what.title)} · Plait` : 'Plait'
    // The text stands for its parts.
  }, [text])
}

/** curlOf writes a question as a command; what is quoted is safe in a shell. */
export function curlOf(path: string, params: Params): string {
  return `curl -s '${urlOf(path, params).replaceAll("'", `'\\''`)}'`
}

/** sqlText quotes a text for SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
