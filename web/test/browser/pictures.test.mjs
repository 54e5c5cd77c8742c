// What the pictures show and lead to: a value's cells are ringed, a trace's dot tells of it, the map is drawn and walked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, fits, open } from './browser.mjs'
import { made, newID, sendSpans } from './gateways.mjs'

// shop stores 300 requests of a service, one a second; twenty of them are slow, and those are of region south.
async function shop() {
  const service = `pictures-${newID(4)}`
  const last = Date.now() - 30_000
  const start = (i) => new Date(last - (299 - i) * 1000)
  const slow = (i) => i >= 200 && i < 220
  await sendSpans(made, Array.from({ length: 300 }, (_, i) => ({ trace: newID(16), id: newID(8), service, name: 'GET /cart', kind: 2, start: start(i), ms: slow(i) ? 800 : 8 + (i % 7), attributes: { region: slow(i) ? 'south' : 'north' } })))
  const query = encodeURIComponent(`traces_spanmetrics_latency{service="${service}"}`)
  return `#/metric?from=now-15m&query=${query}&box=${[+start(200) - 500, +start(219) + 500, '0.5', ''].join(',')}`
}

test('cells whose requests have a value are ringed while it is looked at, and stay so when it is chosen', async (t) => {
  const page = await open(t, made, await shop())
  const value = page.getByRole('button', { name: /region.*south/ }).first()
  const told = page.getByText('20 of 300 requests have region south')
  const ringed = () => page.locator('path.heat-holding').evaluateAll((paths) => paths.map((p) => p.getAttribute('d')).join(''))
  await value.hover()
  await told.waitFor()
  assert.match(await ringed(), /^M/)

  await page.mouse.move(2, 2)
  await told.waitFor({ state: 'detached' })
  assert.equal(await page.locator('path.heat-holding').count(), 0)

  await value.click()
  await page.mouse.move(2, 2)
  await page.reload()
  await told.waitFor()
  assert.match(await ringed(), /^M/)
  await page.keyboard.press('Backspace')
  await told.waitFor({ state: 'detached' })
})

test('the dot of a trace tells what it is, arrows lead to the next, Enter opens it', async (t) => {
  const page = await open(t, made, await shop())
  const dots = page.getByRole('group', { name: /^Traces in the picture/ }).getByRole('link')
  await dots.first().waitFor()
  await dots.first().focus()
  const tip = page.getByRole('tooltip')
  await tip.getByText('GET /cart').waitFor()
  assert.match(await tip.innerText(), /^took \d/)
  await page.keyboard.press('ArrowRight')
  const second = await dots.nth(1).getAttribute('href')
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), second)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.hash === second)
})

test('the map is drawn from left to right, chosen by mouse and keys, and its calls are in a table', async (t) => {
  const [shopper, cart, stock] = ['shopper', 'cart', 'stock'].map((name) => `${name}-${newID(4)}`)
  await sendSpans(made, Array.from({ length: 20 }, (_, i) => calls(new Date(Date.now() - 60_000 + i * 1000), shopper, cart, stock)).flat())
  const page = await open(t, made, `#/map?from=now-15m&node=${cart}&near=1`)
  const place = (name) => page.locator(`[data-place="${name}"]`)
  await place(cart).waitFor()
  const left = async (name) => (await place(name).boundingBox()).x
  assert.ok((await left(shopper)) < (await left(cart)) && (await left(cart)) < (await left(stock)), 'callers stand left of whom they call')
  assert.equal(await page.locator('.map-picture .map-line').count(), 2)
  assert.equal(await place(cart).getAttribute('aria-pressed'), 'true')
  await page.getByText('Called by').waitFor()

  await place(stock).click()
  await place(shopper).waitFor({ state: 'detached' }) // no neighbour of what is chosen now
  assert.equal(new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('node'), stock)
  await place(cart).focus()
  await page.keyboard.press('Enter')
  await place(shopper).waitFor()
  assert.equal(await place(cart).getAttribute('aria-pressed'), 'true')

  const row = page.getByRole('region', { name: 'Calls, as a table' }).locator('tbody tr', { hasText: stock })
  await row.first().click()
  await page.getByRole('region', { name: `${cart} → ${stock}` }).waitFor()
})

test('a chain of many services fits into the width, and no box covers another', async (t) => {
  const chain = Array.from({ length: 10 }, (_, i) => `link-${i}-${newID(4)}`)
  await sendSpans(made, Array.from({ length: 5 }, (_, i) => calls(new Date(Date.now() - 60_000 + i * 1000), ...chain)).flat())
  for (const width of [1440, 820]) {
    const page = await open(t, made, '#/map?from=now-15m', { width })
    await page.locator('[data-place]').first().waitFor()
    const frame = await page.locator('.map-frame').evaluate((f) => ({ wide: f.scrollWidth, seen: f.clientWidth }))
    assert.ok(frame.wide <= frame.seen, `the map is ${frame.wide} px wide where ${frame.seen} px are seen`)
    const covered = await page.locator('.map-box').evaluateAll((all) => {
      const boxes = all.map((b) => b.getBoundingClientRect())
      return boxes.filter((a, i) => boxes.some((b, j) => j > i && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length
    })
    assert.equal(covered, 0)
    await fits(page)
  }
})

test('on a phone a call is chosen in the table, and told in view', async (t) => {
  const [client, server] = ['caller', 'callee'].map((name) => `a-service-with-a-long-name-${name}-${newID(4)}`)
  await sendSpans(made, Array.from({ length: 5 }, (_, i) => calls(new Date(Date.now() - 60_000 + i * 1000), client, server)).flat())
  const page = await open(t, made, '#/map?from=now-15m', { width: 390, height: 844 })
  const table = page.getByRole('region', { name: 'Calls, as a table' })
  const row = table.locator('tbody tr', { hasText: server }).first()
  await row.waitFor()
  assert.deepEqual(await table.evaluate((f) => [f.scrollWidth, f.clientWidth]).then(([wide, seen]) => wide <= seen), true, 'all columns are seen')
  await row.click()
  const told = page.getByRole('region', { name: `${client} → ${server}` })
  await told.waitFor()
  await eventually('it is in view', async () => {
    const { y, height } = await told.boundingBox()
    return y >= 0 && y + height <= 844
  })
  await fits(page)
})

// calls are the spans of a request in which each service calls the next.
function calls(start, ...services) {
  const trace = newID(16)
  const spans = []
  services.forEach((service, i) => {
    const before = spans.at(-1)?.id
    const server = newID(8)
    spans.push({ trace, id: server, parent: before, service, name: `GET /${i}`, kind: 2, start, ms: 30 - 5 * i })
    if (i < services.length - 1) spans.push({ trace, id: newID(8), parent: server, service, name: 'GET', kind: 3, start, ms: 28 - 5 * i })
  })
  return spans
}
