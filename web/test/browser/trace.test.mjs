// The Trace view: numbers 3 and 7 to 9 of what must be seen, and every spelling of an id.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, eventually, fits, open } from './browser.mjs'
import { answer, demo, made, newID, sendLines, sendSpans } from './gateways.mjs'

const rows = (page) => page.locator('[role=treegrid] [data-at]')

// names are those of the rows in the document, as they are heard: "web, GET /, 2.00 s, failed".
const names = (page) => rows(page).evaluateAll((all) => all.map((r) => r.getAttribute('aria-label').replaceAll('\u2009', ' ')))

const row = (page, name) => page.locator(`[role=row][aria-label*="${name}"]`)

// opened shows a trace once it is drawn.
async function opened(t, gateway, id, more = '', options = {}) {
  const page = await open(t, gateway, `#/trace/${encodeURIComponent(id)}${more}`, options)
  await rows(page).first().waitFor()
  return page
}

// spansOf makes spans of one trace: each as [id, parent, service, name, start in ms, ms, more].
function spansOf(trace, spans, begin = new Date(Date.now() - 60_000)) {
  return spans.map(([id, parent, service, name, at = 0, ms = 1, more = {}]) => ({
    trace, id: id.padStart(16, '0'), parent: parent && parent.padStart(16, '0'), service, name, start: new Date(begin.getTime() + at), ms, ...more,
  }))
}

async function sendAll(spans) {
  for (let i = 0; i < spans.length; i += 2000) await sendSpans(made, spans.slice(i, i + 2000))
}

test('a failing request of the shop: its cause in view, and e walks the failed spans', async (t) => {
  const line = await eventually('a line says that the key server locked a session', async () => {
    const { logs } = await answer(demo, 'api/v1/logs?joined=no&q=key+server+locked&limit=1')
    return logs[0]
  }, 180_000)
  const start = new Date(line.time).getTime()
  const trace = await eventually('a checkout fails after it', async () => {
    const within = `start=${start}&end=${start + 40_000}`
    const { traces } = await answer(demo, `api/v1/traces?service=payment&status=error&min_duration=500ms&limit=100&${within}`)
    return traces.find((found) => found.root_name === 'POST /checkout' && found.error_count > 10) // its three attempts failed
  })
  const page = await opened(t, demo, trace.trace_id)
  await page.getByRole('heading', { level: 1, name: /failed after/ }).waitFor()
  const cause = page.getByText('key server locked session').first()
  await cause.waitFor()
  assert.ok((await cause.boundingBox()).y < 900, 'one need not scroll to it')
  assert.match(await page.locator('.trace-sentence').textContent(), /payment asked bank \d times and it failed/)

  const { spans } = await answer(demo, `api/v1/pivot/trace/${trace.trace_id}`)
  const failed = spans.filter((s) => s.status === 'error')
  assert.ok(failed.length > 2)
  for (const span of failed) {
    await page.keyboard.press('e')
    await page.waitForFunction((id) => location.hash.includes(`span=${id}`), span.span_id)
  }
  await accessible(page)
})

test('38 equal siblings are one row with their sum; one that failed stands alone', async (t) => {
  const trace = newID(16)
  const queries = Array.from({ length: 38 }, (_, i) => [`a${i.toString(16)}`, '1', 'orders', 'SELECT ts.orders', 10 + i * 30, 30, { kind: 3, failed: i === 20 }])
  await sendSpans(made, spansOf(trace, [['1', '', 'orders', 'GET /orders', 0, 1200, { kind: 2 }], ...queries]))
  const page = await opened(t, made, trace)
  assert.deepEqual(await names(page), [
    'orders, GET /orders, 1.20 s, on the critical path',
    '37 × SELECT ts.orders, 1.11 s in all',
    'orders, SELECT ts.orders, 30.0 ms, failed, on the critical path',
  ])
  await row(page, '37 ×').click()
  await page.keyboard.press('ArrowRight')
  await eventually('the fold opens', async () => (await rows(page).count()) === 40)
  assert.equal(await row(page, '37 ×').getAttribute('aria-expanded'), 'true')
  await page.keyboard.press('ArrowLeft')
  await eventually('the fold closes', async () => (await rows(page).count()) === 3)
  await page.keyboard.press('r')
  await eventually('nothing is folded', async () => (await rows(page).count()) === 39)
  assert.match(page.url(), /fold=0/)
})

test('what is missing or odd is said', async (t) => {
  const [orphaned, skewed, ring, lines] = [newID(16), newID(16), newID(16), newID(16)]
  await sendSpans(made, [
    ...spansOf(orphaned, [['2', 'abcdef', 'web', 'left', 0, 50], ['3', 'abcdef', 'web', 'right', 60, 50], ['4', '3', 'web', 'below', 60, 10]]),
    ...spansOf(skewed, [['1', '', 'front', 'GET /', 0, 1000, { kind: 3 }], ['2', '1', 'back', 'GET /', 5000, 900, { kind: 2 }]]),
    ...spansOf(ring, [['1', '2', 'web', 'hen', 0, 100], ['2', '1', 'web', 'egg', 10, 50]]),
  ])
  const time = new Date(Date.now() - 60_000)
  await sendLines(made, [
    { service: 'web', trace: lines, body: 'began', time },
    { service: 'web', trace: lines, body: 'gave up', severity: 17, time: new Date(time.getTime() + 500) },
  ])

  const missing = await opened(t, made, orphaned)
  await missing.getByRole('heading', { level: 1, name: /^Began at least .* ago, the first span has not arrived/ }).waitFor()
  await missing.getByText('The first span has not arrived.').waitFor()
  const [parent, ...below] = await names(missing)
  assert.equal(parent, 'parent 0000000000abcdef not here')
  assert.deepEqual(below.map((n) => n.split(', ')[1]), ['left', 'right', 'below'])
  assert.match(below[0], /its parent is not here/)
  await accessible(missing)

  const shifted = await opened(t, made, skewed)
  await row(shifted, 'back, GET /').waitFor()
  assert.match((await names(shifted))[1], /clock moved by −4\.9\d s/)
  await shifted.getByText(/1 span was moved to one clock/).waitFor()

  const round = await opened(t, made, ring)
  await round.getByText(/2 spans name each other as parents, in a ring/).waitFor()

  const told = await opened(t, made, lines)
  await told.getByRole('heading', { level: 1, name: 'Only log lines of this trace are here' }).waitFor()
  assert.deepEqual((await names(told)).map((n) => n.split(', ').at(-1)), ['began', 'gave up'])
  await accessible(told)
})

test('log lines stand in their span, the worst four and the rest on demand', async (t) => {
  const trace = newID(16)
  const [span] = spansOf(trace, [['1', '', 'web', 'GET /', 0, 100, { kind: 2, events: [{ name: 'cache miss', time: new Date(Date.now() - 59_950) }] }]])
  await sendSpans(made, [span])
  const bodies = ['one', 'two', 'three', 'four', 'five', 'six']
  await sendLines(made, bodies.map((body, i) => ({ service: 'web', trace, span: span.id, body, severity: body === 'six' ? 17 : 9, time: new Date(span.start.getTime() + 10 * i) })))
  const page = await opened(t, made, trace)
  assert.deepEqual((await names(page)).map((n) => n.split(', ').at(-1)), ['on the critical path', 'one', 'two', 'three', 'six', '1 more event'])
  await row(page, 'more log lines').click()
  await page.keyboard.press('Enter')
  await eventually('all lines are there', async () => (await rows(page).count()) === 8)
  await page.keyboard.press('l')
  await eventually('no line is there', async () => (await rows(page).count()) === 1)
})

test('find marks matches, by attributes too, and n walks them', async (t) => {
  const trace = newID(16)
  const steps = ['a', 'b', 'c'].map((name, i) => [`${i + 2}`, '1', 'web', `step ${name}`, 10 * i, 5, { attributes: { 'order.id': `o-${i}` } }])
  await sendSpans(made, spansOf(trace, [['1', '', 'web', 'GET /', 0, 100], ...steps]))
  const page = await opened(t, made, trace)
  await page.keyboard.press('f')
  await page.keyboard.type('order.id=o-1')
  await page.getByText('1 match', { exact: true }).waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('n')
  await page.getByText('1 of 1 match', { exact: true }).waitFor()
  assert.equal(await row(page, 'step b').getAttribute('aria-selected'), 'true')
  assert.equal(await page.locator('.wf-dim').count(), 3)
  await page.getByRole('button', { name: 'Only matches' }).click()
  await eventually('only the match and what is above it', async () => (await rows(page).count()) === 2)
  await page.reload()
  await eventually('the address says so', async () => (await rows(page).count()) === 2)
  await page.keyboard.press('Escape')
  await eventually('all spans are back', async () => (await rows(page).count()) === 4)
})

test('a span that an address names is seen, within the window, whatever hides it', async (t) => {
  const trace = newID(16)
  const many = Array.from({ length: 60 }, (_, i) => [`${(i + 10).toString(16)}`, '1', 'web', `step ${i}`, 10 * i, 300])
  const repeats = Array.from({ length: 5 }, (_, i) => [`${(i + 200).toString(16)}`, '1', 'web-db', 'SELECT cart', 700 + 40 * i, 40 - i])
  const after = Array.from({ length: 8 }, (_, i) => [`${(i + 300).toString(16)}`, '1', 'web', `end ${i}`, 950 + i, 300])
  await sendSpans(made, spansOf(trace, [['1', '', 'web', 'GET /', 0, 2000], ...many, ...repeats, ...after]))
  const inWindow = async (page, name) => {
    await row(page, name).waitFor()
    await eventually(`${name} is in the window`, async () => {
      const { y, height } = await row(page, name).boundingBox()
      return y > 0 && y + height <= page.viewportSize().height
    })
  }
  const page = await opened(t, made, trace, `?span=${(203).toString(16).padStart(16, '0')}`)
  await inWindow(page, 'SELECT cart, 37')
  assert.equal(await row(page, 'SELECT cart, 37').getAttribute('aria-selected'), 'true')
  await page.keyboard.press('G')
  await inWindow(page, 'end 7')
  await page.keyboard.press('g')
  await inWindow(page, 'GET /')
})

test('every spelling of an id shows the same trace', async (t) => {
  const trace = newID(16).replace(/^0/, '1')
  const low = trace.slice(16)
  await sendSpans(made, spansOf(trace, [['1', '', 'web', 'spelled', 0, 100, { kind: 2 }]]))
  const spellings = [
    trace, trace.toUpperCase(), `0x${trace}`, low, BigInt(`0x${low}`).toString(), `00-${trace}-0000000000000001-01`, `${trace}-0000000000000001-1`, `${trace}:0000000000000001:0:1`,
    `1-${trace.slice(0, 8)}-${trace.slice(8)}`, `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Sampled=1`, `${trace}/1;o=1`, `|${trace}.1.`,
  ]
  const page = await opened(t, made, trace)
  for (const spelling of spellings) {
    await page.evaluate((hash) => (location.hash = hash), `#/trace/${encodeURIComponent(spelling)}`)
    await eventually(`${spelling} is read`, async () => (await page.title()).startsWith(`trace ${trace}`) && (await names(page))[0]?.startsWith('web, spelled'))
  }
})

test('an id that is not here says why, and the trace is shown when it arrives', async (t) => {
  const trace = newID(16)
  const page = await open(t, made, `#/trace/${trace}`, { allow: [/404/] })
  await page.getByRole('heading', { level: 1, name: 'This trace is not here' }).waitFor()
  await page.getByText('No span is stored under this id').waitFor()
  await page.getByText('Most likely:').waitFor()
  await accessible(page)
  await sendSpans(made, spansOf(trace, [['1', '', 'web', 'late', 0, 100]]))
  await row(page, 'web, late').waitFor()
})

test('20,000 spans: few rows in the document, and the focused one stays where it is', async (t) => {
  const trace = newID(16)
  const spans = [['1', '', 'mill', 'batch', 0, 100_000]]
  for (let i = 0; i < 4000; i++) {
    const id = (i + 2).toString(16)
    spans.push([`${id}0`, '1', 'mill', `step ${i}`, i * 25, 20])
    for (let k = 1; k <= 4; k++) spans.push([`${id}${k}`, `${id}0`, 'mill-db', `query ${k}`, i * 25 + k * 4, 3 + k / 10])
  }
  await sendAll(spansOf(trace, spans.slice(0, 20_000), new Date(Date.now() - 300_000)))
  await eventually('all spans are here', async () => (await answer(made, `api/v1/pivot/trace/${trace}?slim=1`)).spans.length === 20_000)
  const began = Date.now()
  const page = await opened(t, made, trace, '?fold=0')
  t.diagnostic(`20,000 spans drawn after ${Date.now() - began} ms`)

  const frames = await page.locator('[role=treegrid]').evaluate(async (grid) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done))
    const steps = 120
    let most = 0
    let unseen = 0
    const began = performance.now()
    for (let i = 0; i <= steps; i++) {
      grid.scrollTop = ((grid.scrollHeight - grid.clientHeight) * i) / steps
      await frame()
      await frame()
      const rows = grid.querySelectorAll('[data-at]')
      most = Math.max(most, rows.length)
      const box = grid.getBoundingClientRect()
      const seen = [...rows].filter((r) => r.getBoundingClientRect().bottom > box.top && r.getBoundingClientRect().top < box.bottom)
      if (seen.length < Math.floor((grid.clientHeight - 24) / 23)) unseen++
    }
    return { most, unseen, perSecond: Math.round((2 * steps * 1000) / (performance.now() - began)), rows: Number(grid.getAttribute('aria-rowcount')) }
  })
  t.diagnostic(`scrolled from top to end at ${frames.perSecond} frames a second`)
  assert.equal(frames.rows, 20_001)
  assert.ok(frames.most <= 90, `${frames.most} rows are in the document`)
  assert.equal(frames.unseen, 0, 'steps at which rows that are seen were not drawn')

  // What a scrolled frame costs is what changes in it: rows that stay in the document are left alone, and in order.
  const scrolled = await page.locator('[role=treegrid]').evaluate(async (grid) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done))
    const rows = () => [...grid.querySelectorAll('[data-at]')].map((r) => Number(r.dataset.at))
    grid.scrollTop = 5000 * 23
    await frame()
    await frame()
    const before = rows()
    const touched = new Set()
    const watch = new MutationObserver((changes) => changes.forEach((c) => touched.add((c.target.nodeType === 1 ? c.target : c.target.parentElement).closest('[data-at]'))))
    watch.observe(grid, { subtree: true, childList: true, attributes: true, characterData: true })
    grid.scrollTop += 8 * 23
    await frame()
    await frame()
    watch.disconnect()
    touched.delete(null)
    const after = rows()
    return { moved: after[0] - before[0], drawn: touched.size, ordered: after.every((row, i) => row === after[0] + i) }
  })
  assert.deepEqual(scrolled, { moved: 8, drawn: 8, ordered: true }, 'rows drawn anew when eight others come into view')

  await page.keyboard.press('g')
  for (let i = 0; i < 12; i++) await page.keyboard.press('j')
  const focused = page.locator('[aria-selected=true]')
  const before = await focused.boundingBox()
  const name = await focused.getAttribute('aria-label')
  await page.keyboard.press('r')
  await eventually('repeats are folded', async () => Number(await page.locator('[role=treegrid]').getAttribute('aria-rowcount')) < 19_000)
  await page.keyboard.press('r')
  await eventually('repeats are unfolded', async () => Number(await page.locator('[role=treegrid]').getAttribute('aria-rowcount')) === 20_001)
  assert.equal(await focused.getAttribute('aria-label'), name)
  assert.equal((await focused.boundingBox()).y, before.y)
})

test('on a phone, in the dark', async (t) => {
  const trace = newID(16)
  await sendSpans(made, spansOf(trace, [['1', '', 'web', 'GET /a-very-long-operation/with/{many}/parts/{that}/do/not/fit', 0, 100, { failed: true }], ['2', '1', 'web', 'inside', 10, 50]]))
  const page = await opened(t, made, trace, '', { width: 390, height: 844, theme: 'dark' })
  await fits(page)
  await accessible(page)
  const { height } = await rows(page).first().boundingBox()
  assert.ok(height >= 36, `rows are ${height} px high`)
})
