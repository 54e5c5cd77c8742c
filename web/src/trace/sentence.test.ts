import { describe, expect, test } from 'vitest'
import { made, times, type Made } from './made.test-data.ts'
import { outcome, sentence } from './sentence.ts'

const none = () => 0
const said = (roots: Made[], usual: () => number = none) => sentence(made(roots), usual).map((s) => (s.strong ? `*${s.text}*` : s.text)).join('').replaceAll('\u2009', ' ')
const head = (...args: Parameters<typeof made>) => outcome(made(...args)).replaceAll('\u2009', ' ')

describe('outcome', () => {
  test('took, or failed after', () => {
    expect(head([{ name: 'GET /', took: 4560 }])).toBe('GET / took 4.56 s')
    expect(head([{ name: 'POST /checkout', took: 3700, failed: true }])).toBe('POST /checkout failed after 3.70 s')
  })
  test('what failed below and was mended did not fail the request', () => {
    expect(head([{ name: 'GET /', took: 10, children: [{ name: 'try', failed: true }] }])).toBe('GET / took 10.0 ms')
  })
  test('the first span has not arrived', () => {
    const late = made([{ name: 'b', took: 3000 }])
    late.incomplete = true
    expect(outcome(late).replaceAll('\u2009', ' ')).toBe('Began at least 3.00 s ago, the first span has not arrived')
  })
  test('only lines', () => {
    expect(head([], { unattached_logs: [{ id: 'x', offset_ns: 0, severity: 'INFO', service: 'web', body: '' }] })).toBe('Only log lines of this trace are here')
  })
})

describe('sentence', () => {
  const attempt = (at: number, failed = true): Made => ({
    name: 'POST bank', service: 'payment', kind: 'client', at, took: 500, failed,
    children: [{ name: 'POST /authorisations', service: 'bank', at, took: 500, failed, ...(failed && { logs: [['ERROR', 'key server session is locked']] as [string, string][] }) }],
  })
  test('repeated failing calls: who asked whom, how often, and why it failed', () => {
    expect(said([{ name: 'POST /payments', service: 'payment', took: 3000, failed: true, children: [attempt(0), attempt(1000), attempt(2000)] }])).toBe(
      '*payment* asked *bank* 3 times and it failed each time: *key server session is locked*. 1.50 s went to bank, 1.00 s to waiting between attempts.',
    )
  })
  test('one of three attempts went well', () => {
    expect(said([{ name: 'POST /payments', service: 'payment', took: 1500, children: [attempt(0), attempt(500), attempt(1000, false)] }])).toContain('3 times and it failed 2 times')
  })
  test('half of the critical path in one span, with its usual', () => {
    const roots: Made[] = [{ name: 'GET', took: 1000, critical: 300, children: [{ name: 'SELECT', service: 'orders', kind: 'client', took: 700, critical: 700 }] }]
    expect(said(roots, () => 3e6)).toBe('*SELECT* of *orders* took 700 ms by itself, 70 % of the time. The operation usually takes 3.00 ms.')
    expect(said(roots)).not.toContain('usually')
  })
  test('a gap between client and server', () => {
    const call: Made = { name: 'POST', service: 'shop', kind: 'client', took: 2000, critical: 1950, children: [{ name: 'basic', service: 'basic', took: 50, critical: 50 }] }
    expect(said([{ name: 'GET', service: 'shop', took: 4200, children: times(2, call) }])).toBe('3.90 s of it passed between callers and *basic*, 2 times about 1.95 s: neither side was working.')
  })
  test('the same call again and again', () => {
    expect(said([{ name: 'GET', took: 100, critical: 24, children: times(38, { name: 'SELECT', service: 'orders', kind: 'client', took: 2, critical: 2 }) }])).toBe(
      '*38 × SELECT* of *orders* took 76.0 ms in all, 76 % of the time, one after the other.',
    )
  })
  test('else the two largest parts', () => {
    expect(said([{ name: 'GET', took: 100, critical: 35, children: [{ name: 'a', took: 40, critical: 40 }, { name: 'b', took: 25, critical: 25 }] }])).toBe('40.0 ms went to *a* of *web*, 35.0 ms to *GET* of *web*.')
  })
  test('no spans, no sentence', () => {
    expect(said([])).toBe('')
  })
})
