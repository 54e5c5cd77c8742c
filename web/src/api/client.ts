// How the page asks the gateway. Every address is relative to the page's own, so that it works
// behind any path prefix.
import type { ProblemDocument, WhyMissing } from './types.ts'

export type Value = string | number | boolean | undefined
export type Params = Record<string, Value | string[]>

/** Problem is an answer that failed: what the gateway's problem document (RFC 9457) says. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly missing?: WhyMissing,
  ) {
    super(detail)
  }
}

/** queryOf writes parameters as a query string; those that are undefined or empty are left out. */
export function queryOf(params: Params): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') query.append(name, String(one))
    }
  }
  return query.toString()
}

/** urlOf is the whole address of a question, as api/v1/spikes and its parameters. */
export function urlOf(path: string, params: Params = {}): string {
  const query = queryOf(params)
  // Workers have no document, and ask by whole addresses.
  return new URL(path + (query && `?${query}`), globalThis.document?.baseURI).href
}

/** ask sends a question and returns its answer; a failure is a Problem, also when nobody answers. */
export async function ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const url = urlOf(path, params)
  let response: Response
  try {
    response = await fetch(url, signal ? { signal } : {})
  } catch (failure) {
    if (signal?.aborted) throw failure
    throw new Problem(0, 'The gateway does not answer.')
  }
  if (!response.ok) throw await problemOf(response)
  try {
    return (await response.json()) as T
  } catch (failure) {
    if (signal?.aborted) throw failure
    throw new Problem(0, 'The gateway’s answer broke off.')
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '')
  try {
    const { detail, title, error, missing } = JSON.parse(text) as ProblemDocument & { error?: string } // error is Prometheus' word
    return new Problem(response.status, detail ?? error ?? title, missing)
  } catch {
    return new Problem(response.status, text.slice(0, 300) || response.statusText)
  }
}
