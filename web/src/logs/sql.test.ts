import { expect, test } from 'vitest'
import { readQuestion } from './question.ts'
import { sqlOf } from './sql.ts'

const where = (params: Record<string, string>) => sqlOf(readQuestion(params), 'A', 'B').split('\n').slice(2, -2).join(' ')

test.each([
  [{}, "WHERE time >= 'A'   AND time < 'B'"],
  [{ services: "o'neil", level: 'warn' }, "WHERE time >= 'A'   AND time < 'B'   AND service IN ('o''neil')   AND (severity_number BETWEEN 13 AND 16)"],
  [{ q: '50%_', joined: 'no' }, "WHERE time >= 'A'   AND time < 'B'   AND trace_id IS NULL   AND body ILIKE '%50\\%\\_%'"],
])('%o as SQL', (params, text) => expect(where(params)).toBe(text))

test('LogQL has no SQL', () => expect(sqlOf(readQuestion({ q: '{a="b"}' }), 'A', 'B')).toBe(''))
