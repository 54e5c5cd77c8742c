// What the gateway says of itself: asked once, and again while nothing was ever stored.
import { signal } from '@preact/signals'
import { ask } from '../api/client.ts'
import type { About } from '../api/types.ts'
import { oldest } from './range.ts'

export const about = signal<About | undefined>(undefined)
/** toldAbout is true once the gateway has said so, or has failed to. */
export const toldAbout = signal(false)

/** learnAbout asks; a gateway that does not answer leaves what is known. */
export async function learnAbout(): Promise<void> {
  try {
    const answer = await ask<About>('api/v1/about')
    about.value = answer
    oldest.value = answer.oldest.seen ? Date.parse(answer.oldest.seen) : 0
  } catch {
    // The parts of the view say that nobody answers.
  } finally {
    toldAbout.value = true
  }
}
