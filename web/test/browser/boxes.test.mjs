// A box in the Metric view: drawn by mouse and keys, kept by its address, compared in words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, open } from './browser.mjs'
import { made, newID, sendSpans } from './gateways.mjs'

// shop stores n requests of a service of its own, one a second until half a minute ago; more says what each has besides.
async function shop(n, more) {
  const service = `boxes-${newID(4)}`
  const last = Date.now() - 30_000
  const start = (i) => new Date(last - (n - 1 - i) * 1000)
  await sendSpans(made, Array.from({ length: n }, (_, i) => ({ trace: newID(16), id: newID(8), service, name: 'GET /', kind: 2, start: start(i), ms: 10, ...more(i) })))
  const address = (from, to, low = '') => `#/metric?from=now-15m&query=${encodeURIComponent(`traces_spanmetrics_latency{service="${service}"}`)}&box=${[+start(from) - 500, +start(to) + 500, low, ''].join(',')}`
  return { service, address }
}

const heading = (page, text) => page.getByRole('heading', { level: 2, name: text })

test('what slow requests share is the first value; usual ones share nothing; three are too few', async (t) => {
  const { address } = await shop(300, (i) => ({ ms: i > 200 && i < 220 ? 800 : 8 + (i % 7), attributes: { region: i > 200 && i < 220 ? 'south' : ['north', 'west'][i % 2] } }))
  const page = await open(t, made, address(201, 219, '0.5'))
  await heading(page, 'What these 19 have in common').waitFor()
  await page.getByText(/All 19 have region south; of the other requests to the same operations? none do\./).waitFor()

  await page.goto(new URL(address(20, 59), made.api).href)
  await heading(page, 'What these 40 have in common').waitFor()
  await page.getByText('Nothing sets these 40 apart.').waitFor()

  await page.goto(new URL(address(20, 22), made.api).href)
  await page.getByText('3 requests: too few to compare.').waitFor()
  await page.getByRole('region', { name: 'Traces in the box' }).locator('tbody tr').first().waitFor()
})

test('a box is dragged, kept over a reload, copied with absolute times, and removed by Escape', async (t) => {
  const { service } = await shop(200, (i) => ({ ms: i > 150 ? 500 : 10 }))
  const page = await open(t, made, '#/', { permissions: ['clipboard-read', 'clipboard-write'] })
  const search = page.getByRole('combobox', { name: 'Search' })
  await search.waitFor()
  await eventually('the key / leads to the search box', async () => {
    await page.keyboard.press('/')
    return search.evaluate((field) => field === document.activeElement)
  })
  await page.keyboard.type(service)
  await page.getByRole('option', { name: `see the requests of ${service}` }).or(page.getByText(`see the requests of ${service}`)).first().click()
  const picture = page.locator('.plot-over')
  await picture.waitFor()
  const { x, y, width, height } = await picture.boundingBox()
  await page.mouse.move(x + width * 0.3, y + height * 0.2)
  await page.mouse.down()
  await page.mouse.move(x + width * 0.6, y + height * 0.5, { steps: 5 })
  await page.mouse.move(x + width * 0.95, y + height * 0.9, { steps: 5 })
  await page.mouse.up()
  await page.waitForFunction(() => new URLSearchParams(location.hash.split('?')[1]).has('box'))
  await heading(page, /^What these \d+ have in common/).waitFor()
  const [title, box] = [await heading(page, /^What these/).innerText(), boxOf(page)]

  await page.reload()
  await heading(page, title).waitFor()
  assert.equal(boxOf(page), box)

  await page.keyboard.press('y')
  await page.getByText('Link copied').first().waitFor()
  const copied = new URL(await page.evaluate(() => navigator.clipboard.readText()))
  const params = new URLSearchParams(copied.hash.split('?')[1])
  for (const end of ['from', 'to']) assert.match(params.get(end), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.equal(params.get('box'), box)

  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !new URLSearchParams(location.hash.split('?')[1]).has('box'))
})

test('a box is drawn by keys, and Back undoes each step', async (t) => {
  const { service } = await shop(120, () => ({}))
  const page = await open(t, made, '#/')
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  const steps = ['#/logs?from=now-15m', `#/metric?from=now-15m&query=${encodeURIComponent(`traces_spanmetrics_latency{service="${service}"}`)}`]
  for (const step of steps) await page.evaluate((to) => (location.hash = to), step)
  await page.locator('.plot-over').waitFor()
  await page.keyboard.press('b')
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Shift+ArrowRight', 'ArrowUp', 'Enter']) await page.keyboard.press(key)
  await page.waitForFunction(() => location.hash.includes('box='))
  for (const view of ['#/metric', '#/logs', '#/']) {
    await page.goBack()
    await eventually(`back to ${view}`, () => new URL(page.url()).hash.startsWith(view))
  }
  assert.equal(new URL(page.url()).hash.replace('#/', ''), '')
})

const boxOf = (page) => new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('box')
