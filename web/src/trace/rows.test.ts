import { describe, expect, test } from 'vitest'
import { nameOf } from './fold.ts'
import { idOf, made, madeSlim, times, type Made } from './made.test-data.ts'
import { operationOf, read, type Trace } from './model.ts'
import { Kind, fewLines, hiddenLines, layout, parentRow, reveal, rowOf, type Rows, type View } from './rows.ts'

const plain: View = { lines: true, fold: true, open: new Set(), shut: new Set(), all: new Set() }

// drawn writes rows as one reads them: indented, folds with their count, lines with their severity.
function drawn(t: Trace, view: Partial<View> = {}): string[] {
  const rows = layout(t, { ...plain, ...view })
  return Array.from({ length: rows.count }, (_, r) => '  '.repeat(rows.level[r] as number) + text(t, rows, r))
}

function text(t: Trace, rows: Rows, row: number): string {
  const ref = rows.ref[row] as number
  switch (rows.kind[row]) {
    case Kind.span:
      return operationOf(t, ref).name
    case Kind.fold: {
      const fold = rows.folds[ref]
      return fold ? `${fold.members.length} × ${nameOf(t, fold)} ${fold.took / 1e6} ms` : ''
    }
    case Kind.line:
      return `${t.lines[ref]?.severity} ${t.lines[ref]?.text}`
    case Kind.event:
      return `event ${t.events[ref]?.text}`
    case Kind.more:
      return `${hiddenLines(t, ref).lines} lines ${hiddenLines(t, ref).events} events more`
    case Kind.missing:
      return `missing ${t.missing[ref]?.id}`
    case Kind.heading:
      return 'loose'
    default:
      return `${t.unattached[ref]?.severity} ${t.unattached[ref]?.text}`
  }
}

const query: Made = { name: 'SELECT', kind: 'client', took: 2 }

describe('repeats', () => {
  test('38 equal siblings are one row with their sum', () => {
    expect(drawn(made([{ name: 'GET', took: 100, children: times(38, query) }]))).toEqual(['GET', '  38 × SELECT 76 ms'])
  })
  test('one that failed stands alone, and so does one that warned', () => {
    const all = times(38, query)
    all[5] = { ...(all[5] as Made), failed: true }
    all[7] = { ...(all[7] as Made), logs: [['WARN', 'slow']] }
    expect(drawn(made([{ name: 'GET', took: 100, children: all }]))).toEqual(['GET', '  36 × SELECT 72 ms', '  SELECT', '  SELECT', '    WARN slow'])
  })
  test('the slowest by far stands alone', () => {
    expect(drawn(made([{ name: 'GET', took: 100, children: [...times(3, query), { ...query, took: 50 }] }]))).toEqual(['GET', '  3 × SELECT 6 ms', '  SELECT'])
  })
  test('two fold only with spans below them', () => {
    const call: Made = { name: 'call', kind: 'client', took: 20, children: [{ name: 'serve', service: 'stock', took: 10 }] }
    expect(drawn(made([{ name: 'GET', took: 100, children: [...times(2, query), ...times(2, call)] }]))).toEqual(['GET', '  SELECT', '  SELECT', '  2 × call → stock, 4 spans 40 ms'])
  })
  test('other things below, another shape', () => {
    const call = (below: string): Made => ({ name: 'call', took: 20, children: [{ name: below, took: 10 }] })
    expect(drawn(made([{ name: 'GET', took: 100, children: [call('a'), call('b')] }]))).toEqual(['GET', '  call', '    a', '  call', '    b'])
  })
  test('a loop of three and one of four have the same shape', () => {
    const call = (n: number): Made => ({ name: 'call', took: 20, children: times(n, query) })
    expect(drawn(made([{ name: 'GET', took: 100, children: [call(3), call(4)] }]))).toEqual(['GET', '  2 × call, 9 spans 40 ms'])
  })
  test('open, they stand below their fold', () => {
    expect(drawn(made([{ name: 'GET', took: 100, children: times(3, query) }]), { open: new Set([idOf(1)]) })).toEqual(['GET', '  3 × SELECT 6 ms', '    SELECT', '    SELECT', '    SELECT'])
  })
  test('not asked for, nothing folds', () => {
    expect(drawn(made([{ name: 'GET', took: 100, children: times(3, query) }]), { fold: false })).toHaveLength(4)
  })
})

describe('quick calls', () => {
  const many = times(31, { name: 'step', took: 30, children: [{ name: 'inner', took: 1 }, { name: 'other', took: 1 }] }).map((m, i) => ({ ...m, name: `step ${i}` }))
  test('fold in a trace that does not fit the screen', () => {
    expect(drawn(made([{ name: 'GET', took: 1000, children: many.slice(0, 11) }]))[2]).toBe('    2 × quick calls 2 ms')
  })
  test('stand alone in one that does', () => {
    expect(drawn(made([{ name: 'GET', took: 1000, children: many.slice(0, 9) }]))[2]).toBe('    inner')
  })
  test('one alone folds with spans below it', () => {
    const t = made([{ name: 'GET', took: 1000, children: [...many, { name: 'quick', took: 5, children: [{ name: 'below' }] }] }])
    expect(drawn(t).at(-1)).toBe('  1 × quick call, 2 spans 5 ms')
  })
})

describe('lines', () => {
  const logs: [string, string][] = [['INFO', 'a'], ['WARN', 'b'], ['INFO', 'c'], ['ERROR', 'd'], ['INFO', 'e'], ['INFO', 'f']]
  test('at most four of a span, the worst, in order of time', () => {
    expect(drawn(made([{ name: 'GET', logs }]))).toEqual(['GET', '  INFO a', '  WARN b', '  INFO c', '  ERROR d', '  2 lines 0 events more'])
    expect(fewLines).toBe(4)
  })
  test('all of them once asked for', () => {
    expect(drawn(made([{ name: 'GET', logs }]), { all: new Set([idOf(0)]) })).toHaveLength(7)
  })
  test('events have rows where lines leave room', () => {
    expect(drawn(made([{ name: 'GET', logs: logs.slice(0, 3), events: ['exception', 'cache miss'] }]))).toEqual([
      'GET', '  INFO a', '  event exception', '  WARN b', '  INFO c', '  0 lines 1 events more',
    ])
  })
  test('off, no span has rows for them', () => {
    expect(drawn(made([{ name: 'GET', logs }]), { lines: false })).toEqual(['GET'])
  })
  test('those of no span here stand at the end', () => {
    const loose = [{ id: 'x', offset_ns: 1, severity: 'INFO' as const, service: 'web', body: 'alone' }]
    expect(drawn(made([{ name: 'GET' }], { unattached_logs: loose }))).toEqual(['GET', 'loose', 'INFO alone'])
    expect(drawn(made([], { unattached_logs: loose }), { lines: false })).toEqual(['INFO alone'])
  })
})

describe('the tree', () => {
  const deep = made([{ name: 'a', children: [{ name: 'b', children: [{ name: 'c' }] }, { name: 'd' }] }])
  test('a closed span hides what is below it', () => {
    expect(drawn(deep, { shut: new Set([idOf(1)]) })).toEqual(['a', '  b', '  d'])
  })
  test('only what is kept is there', () => {
    expect(drawn(deep, { keep: Uint8Array.of(1, 0, 0, 1) })).toEqual(['a', '  d'])
  })
  test('spans that wait for one parent stand below it', () => {
    const t = made([{ name: 'a' }, { name: 'b' }, { name: 'c' }], { missing_parents: [{ span_id: 'ffff', children: [idOf(0), idOf(2)] }] })
    expect(drawn(t)).toEqual(['missing ffff', '  a', '  c', 'b'])
  })
  test('places and sizes count the rows of one parent', () => {
    const rows = layout(made([{ name: 'a', logs: [['INFO', 'x']], children: [{ name: 'b' }, { name: 'c' }] }]), plain)
    expect([...rows.place]).toEqual([1, 1, 2, 3])
    expect([...rows.size]).toEqual([1, 3, 3, 3])
    expect([0, 1, 2, 3].map((r) => parentRow(rows, r))).toEqual([-1, 0, 0, 0])
  })
  test('a span in a fold in a closed span is revealed', () => {
    const t = made([{ name: 'GET', took: 100, children: [{ name: 'list', took: 80, children: times(5, query) }] }])
    const hidden = { ...plain, shut: new Set([idOf(0)]) }
    expect(rowOf(t, layout(t, hidden), 4)).toBe(0)
    const shown = reveal(t, hidden, 4)
    expect([...shown.shut, ...shown.open]).toEqual([idOf(2)])
    expect(layout(t, shown).ref[rowOf(t, layout(t, shown), 4)]).toBe(4)
  })
  test('20,000 spans below one another need no stack', () => {
    const slim = madeSlim(times(20_000, { name: 'step' }))
    slim.spans.forEach((span, i) => (span.depth = i))
    const rows = layout(read(slim), { ...plain, fold: false })
    expect(rows.count).toBe(20_000)
    expect(rows.level[19_999]).toBe(19_999)
  })
})
