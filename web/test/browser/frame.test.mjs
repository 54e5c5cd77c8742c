// What is around every view: the search box, times and zones, keys, addresses that are wrong, a path prefix.
import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { test } from 'node:test'
import { accessible, eventually, open } from './browser.mjs'
import { answer, demo, made, newID, sendSpans, spikesWithin } from './gateways.mjs'

const search = (page) => page.getByRole('combobox', { name: 'Search' })

test('the search box says what Enter will do, and does it', async (t) => {
  const trace = newID(16)
  await sendSpans(made, [{ trace, id: newID(8), service: 'searched', name: 'GET /', kind: 2, start: new Date(Date.now() - 30_000) }])
  const page = await open(t, made, '#/', { allow: [/status of 404/] })
  const missing = newID(16)
  for (const [text, does, leads] of [
    [trace, 'open this trace', /^#\/trace\//],
    [`00-${trace}-00f067aa0ba902b7-01`, 'open this trace', /^#\/trace\//],
    [missing, 'open this trace', /^#\/trace\//],
    ['{service_name="searched"}', 'search log lines by LogQL', /^#\/logs\?.*q=%7B/],
    ['searched', 'see the requests of searched', /^#\/metric\?.*searched/],
    ['connection refused', 'search log lines for these words', /^#\/logs\?.*q=connection/],
  ]) {
    await eventually(`${text} is understood`, async () => {
      await page.keyboard.press('/')
      await search(page).fill(text)
      await page.locator('#reading-0', { hasText: does }).waitFor({ timeout: 2000 })
      return true
    })
    await page.keyboard.press('Enter')
    await eventually(`${text} leads on`, () => leads.test(new URL(page.url()).hash))
    if (text === missing) await page.getByRole('heading', { level: 1, name: 'This trace is not here' }).waitFor()
    else if (text.includes(trace)) await page.locator('[role=row][aria-label^="searched, GET /"]').waitFor()
    await page.keyboard.press('Escape')
  }
})

test('times of the reader’s zone, and of the night on which clocks change', async (t) => {
  const range = (page) => page.locator('.range button').first()
  const kolkata = await open(t, demo, '#/logs?from=2026-11-01T00:00:00Z&to=2026-11-01T01:00:00Z&tz=local', { timezoneId: 'Asia/Kolkata' })
  await range(kolkata).getByText('1 Nov 05:30:00 – 06:30:00 +05:30').waitFor()
  const berlin = await open(t, demo, '#/logs?from=2026-10-25T00:00:00Z&to=2026-10-25T03:00:00Z&tz=local', { timezoneId: 'Europe/Berlin' })
  await range(berlin).getByText('25 Oct 02:00:00 +02:00 – 04:00:00 +01:00').waitFor()
  await berlin.keyboard.press('t')
  await berlin.getByRole('button', { name: 'Times in UTC' }).click()
  await range(berlin).getByText('25 Oct 00:00:00 – 03:00:00 UTC').waitFor()
})

test('keys lead from view to view, and ? lists them', async (t) => {
  const page = await open(t, demo, '#/')
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  for (const [i, view] of ['#/', '#/metric', '#/trace', '#/logs', '#/map', '#/health'].entries()) {
    await page.keyboard.press(String(i + 1))
    await page.waitForFunction((hash) => location.hash.replace(/\?.*/, '') === hash, view)
  }
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('all keys').first().waitFor()
  await accessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  const dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const before = await dark()
  await page.keyboard.press('d')
  await eventually('the theme turns', async () => (await dark()) !== before)
})

test('the range is chosen by keys alone, and keys act on the view after it', async (t) => {
  const page = await open(t, demo, '#/')
  await page.locator('.spike').first().waitFor({ timeout: spikesWithin })
  await page.keyboard.press('t')
  await page.waitForFunction(() => document.activeElement.textContent === 'Last 5 min')
  for (const key of ['Tab', 'Tab', 'Tab', 'Enter']) await page.keyboard.press(key)
  await page.waitForFunction(() => location.hash.includes('from=now-6h'))
  await page.getByRole('form', { name: 'Time range' }).waitFor({ state: 'detached' })
  await page.keyboard.press('j')
  await page.locator('.spike.at').waitFor()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => location.hash.startsWith('#/metric'))
})

test('Back and a reload show a view as it was scrolled, a new view its top', async (t) => {
  const page = await open(t, demo, '#/', { height: 400 })
  const link = page.locator('.overview tbody tr a').last()
  await link.scrollIntoViewIfNeeded()
  const scrolled = () => page.evaluate(() => scrollY)
  const at = await scrolled()
  assert.ok(at > 100, `the overview is scrolled by ${at} px`)
  await link.click()
  await page.waitForFunction(() => !location.hash.startsWith('#/?') && location.hash !== '#/')
  await page.locator('main[id=main] .view').first().waitFor()
  await eventually('nothing is being read', async () => (await page.locator('[aria-busy=true]').count()) === 0)
  await eventually('the new view is at its top', async () => (await scrolled()) === 0)
  await page.goBack()
  await eventually('the overview is where it was', async () => (await scrolled()) === at)
  await page.reload()
  await eventually('it still is', async () => (await scrolled()) === at)
  await page.locator('.overview tbody tr a[href*="metric"]').first().waitFor()
  await page.locator('.part').first().waitFor()
  assert.equal(await scrolled(), at)
})

test('an address that is wrong shows the view, and says what is wrong', async (t) => {
  const page = await open(t, demo, '#/logs?from=yesterday&unknown=kept', { allow: [/status of 400/] })
  await page.getByRole('alert').getByText('“yesterday” is no time').waitFor()
  await page.getByRole('grid', { name: 'Log lines' }).waitFor()
  await page.evaluate(() => (location.hash = '#/metric?query=traces_spanmetrics_latency&box=1,2'))
  await page.getByText('“box=1,2” is no box').waitFor()
  await page.evaluate(() => (location.hash = '#/metric?query=sum('))
  await page.getByRole('region', { name: 'A metric over time' }).getByRole('alert').getByText('unclosed left parenthesis').waitFor()
})

test('behind a path prefix', async (t) => {
  const proxy = await behind('/tools/plait/', demo.api)
  const page = await open(t, demo, '#/', { at: `http://127.0.0.1:${proxy.address().port}/tools/plait/` })
  t.after(() => new Promise((closed) => proxy.close(closed).closeAllConnections()))
  await page.locator('.overview tbody tr').first().waitFor()
  for (const key of '23456') {
    await page.keyboard.press(key)
    await page.locator('main h1, main canvas, main tbody tr').first().waitFor()
  }
  const { traces } = await answer(demo, 'api/v1/traces?limit=1&service=catalog')
  await search(page).fill(`00-${traces[0].trace_id}-00f067aa0ba902b7-01`)
  await page.locator('#reading-0', { hasText: 'open this trace' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('[role=treegrid] [data-at]').first().waitFor()
})

// behind starts a proxy that knows the gateway by a prefix alone.
async function behind(prefix, gateway) {
  const proxy = createServer((from, to) => {
    if (!from.url.startsWith(prefix)) return to.writeHead(404).end('not below the prefix')
    const path = from.url.slice(prefix.length - 1)
    const passed = request(new URL(path, gateway), { method: from.method, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers)
      answer.pipe(to)
    })
    passed.on('error', () => to.destroy())
    to.on('close', () => passed.destroy())
    from.pipe(passed)
  })
  await new Promise((listens) => proxy.listen(0, '127.0.0.1', listens))
  return proxy
}
