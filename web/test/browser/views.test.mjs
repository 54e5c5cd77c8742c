// Every view, light and dark, wide and narrow: nothing scrolls sideways, and axe-core finds nothing serious. Views of an empty range,
// and of a gateway that fails, say so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, eventually, fits, open } from './browser.mjs'
import { answer, demo } from './gateways.mjs'

// The views as addresses, and what each shows once it is drawn.
const views = [
  ['#/', '.overview tbody tr'],
  ['#/metric?query=traces_spanmetrics_latency{service="storefront"}', 'canvas'],
  ['#/trace', 'tbody tr'],
  ['#/trace/ID', '[role=treegrid] [data-at]'],
  ['#/logs', '[role=listbox], [role=grid], [role=list]'],
  ['#/map', 'tbody tr'],
  ['#/health', 'tbody tr'],
  ['#/health?id=ID', 'h1'],
]

const windows = [
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 320, height: 640, theme: 'light' },
]

for (const window of windows) {
  test(`every view, ${window.width} px wide and ${window.theme}`, async (t) => {
    const id = await eventually('a trace is stored', async () => (await answer(demo, 'api/v1/traces?service=checkout&limit=1')).traces[0]?.trace_id)
    const page = await open(t, demo, '#/', window)
    for (const [address, drawn] of views) {
      await t.test(address, async () => {
        await page.goto('about:blank') // so that nothing of the view before is taken for this one
        await page.goto(new URL(address.replace('ID', id), demo.api).href)
        await page.locator(drawn).filter({ visible: true }).first().waitFor()
        await eventually('nothing is being read', async () => (await page.locator('[aria-busy=true]').count()) === 0)
        await fits(page)
        if (window.width > 320) await accessible(page)
      })
    }
  })
}

for (const [address, heading] of [['#/', 'Nothing came in this range'], ['#/trace', 'Which trace?'], ['#/logs', undefined], ['#/map', 'No calls in this range'], ['#/health', 'Nothing came in this range']]) {
  test(`${address} of an empty range leads to where there is something`, async (t) => {
    const page = await open(t, demo, `${address}?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z`)
    if (heading) await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await page.getByText('The last telemetry is of').first().waitFor()
    await accessible(page)
    await page.getByRole('button', { name: 'go there' }).first().click()
    await page.getByText('The last telemetry is of').first().waitFor({ state: 'detached' })
    await page.locator('tbody tr, [role=grid] [role=row]').first().waitFor()
  })
}

for (const [address, heading] of [['#/', 'The spikes could not be read'], ['#/trace/4bf92f3577b34da6a3ce929d0e0e4736', 'This trace could not be read'], ['#/map', 'The calls could not be read'], ['#/health', 'What joins could not be read']]) {
  test(`${address} of a gateway that fails says what could not be read`, async (t) => {
    const fail = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Service Unavailable', status: 503, detail: 'the database is away' }) })
    const page = await open(t, demo, address, { allow: [/status of 503/], before: (page) => page.route(/api\/v1\/(spikes|service-map|logs|log-templates|pivot|correlation|intake)/, fail) })
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await page.getByText('the database is away').first().waitFor()
    assert.equal(await page.getByText('Reading …').count(), 0)
    await accessible(page)
  })
}
