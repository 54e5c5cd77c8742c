import { describe, expect, test } from 'vitest'
import { logqlOf, paramsOf, readQuestion } from './question.ts'
import { howMany, whatOf } from './sentence.ts'

describe('readQuestion', () => {
  test.each([
    ['', 'all'],
    ['session locked', 'words'],
    ['{service_name="bank"} |= "x"', 'logql'],
    ['4bf92f3577b34da6a3ce929d0e0e4736', 'id'],
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'id'],
  ])('%s is %s', (q, kind) => expect(readQuestion({ q }).kind).toBe(kind))

  test.each([
    [{ level: 'error,loud' }, '“loud” is no level'],
    [{ joined: 'maybe' }, 'joined is yes or no'],
    [{ attr: 'a=b,order' }, '“order” is no attribute'],
    [{ level: 'error', joined: 'no', attr: 'a=b', other: '1' }, ''],
  ])('%o: %s', (params, wrong) => {
    const said = readQuestion(params).wrong
    if (wrong === '') expect(said).toBe('')
    else expect(said).toContain(wrong)
  })

  test('what cannot be read is left out, the rest holds', () => {
    expect(readQuestion({ level: 'loud,warn', attr: 'order,a=b' })).toMatchObject({ levels: ['warn'], attrs: ['a=b'] })
  })
})

test('an id is asked for as one', () => {
  expect(paramsOf(readQuestion({ q: '4bf92f3577b34da6a3ce929d0e0e4736' }))).toMatchObject({ trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' })
})

test.each([
  [{}, '{service_name=~".+"}'],
  [{ services: 'bank', level: 'warn,error' }, '{service_name="bank"} | detected_level=~"error|warn"'],
  [{ services: 'a.b,c', joined: 'no' }, '{service_name=~"a\\\\.b|c"} | trace_id=""'],
  [{ q: 'took 5 ms (late)' }, '{service_name=~".+"} |~ "(?i)took 5 ms \\\\(late\\\\)"'],
  [{ q: '{app="x"} | json', level: 'none', services: 'x' }, '{app="x"} | json | service_name=~"x" | detected_level=~"unknown"'],
  [{ attr: 'order.id=a=b' }, '{service_name=~".+"} | order_id="a=b"'],
])('%o as LogQL', (params, text) => expect(logqlOf(readQuestion(params))).toBe(text))

test.each([
  [{}, 'every service'],
  [{ level: 'error,warn' }, 'warnings and worse, every service'],
  [{ level: 'error', services: 'bank,cart' }, 'errors, of bank and cart'],
  [{ level: 'info,warn', services: 'a,b,c,d' }, 'warnings and info, 4 services'],
  [{ q: 'locked', joined: 'no', attr: 'a=b' }, 'every service, without a trace id, with a=b, with “locked”'],
])('%o in words', (params, words) => expect(whatOf(readQuestion(params))).toBe(words))

test('how many lines fit', () => {
  expect(howMany(858, 5826)).toBe('858 of 5,826 lines')
  expect(howMany(1, 1)).toBe('1 line')
})
