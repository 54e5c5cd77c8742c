// Every view, light and dark, wide and narrow: nothing scrolls sideways, and axe-core finds nothing serious.
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
