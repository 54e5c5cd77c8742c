// The page's side of the worker that reads traces: questions go there, answers come back as promises.
import { Problem } from '../api/client.ts'
import type { WhyMissing } from '../api/types.ts'
import type { Details } from './details.ts'
import type { Trace } from './model.ts'

/** Answers are what the worker answers to each question. */
export interface Answers {
  read: Trace
  find: Uint8Array | undefined
  attributes: true
  details: Details
}

interface Questions {
  /** the whole address of pivot/trace/{id} */
  read: { url: string }
  /** spans with all words of a text */
  find: { text: string }
  /** from now on, attributes can be found */
  attributes: object
  details: { span: number }
}

/** Question is a question with its name. */
export type Question<K extends keyof Answers> = { does: K } & Questions[K]

/** Failed is a Problem on its way between the two. */
export interface Failed {
  status: number
  detail: string
  missing: WhyMissing | undefined
}

/** Reader reads one trace after the other. */
export class Reader {
  #worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  #asked = 0
  #waiting = new Map<number, { done: (value: never) => void; fail: (p: Problem) => void }>()

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<{ number: number; value: never; problem?: Failed }>) => {
      const waiting = this.#waiting.get(data.number)
      this.#waiting.delete(data.number)
      if (data.problem) waiting?.fail(new Problem(data.problem.status, data.problem.detail, data.problem.missing))
      else waiting?.done(data.value)
    }
    this.#worker.onerror = () => {
      for (const { fail } of this.#waiting.values()) fail(new Problem(0, 'The trace could not be read. The gateway may have been updated: load the page again.'))
      this.#waiting.clear()
    }
  }

  /** ask sends a question; it fails with a Problem. */
  ask<K extends keyof Answers>(question: Question<K>): Promise<Answers[K]> {
    const number = ++this.#asked
    return new Promise((done, fail) => {
      this.#waiting.set(number, { done, fail })
      this.#worker.postMessage({ ...question, number })
    })
  }

  /** close ends the worker and what it was asked. */
  close(): void {
    this.#worker.terminate()
    this.#waiting.clear()
  }
}
