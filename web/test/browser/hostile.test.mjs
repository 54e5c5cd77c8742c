// Telemetry is text that strangers wrote: whatever it holds is shown as text, and does nothing.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { accessible, eventually, fits, open } from './browser.mjs'
import { answer, made, newID, sendLines, sendSpans } from './gateways.mjs'

const image = '<img src="http://elsewhere.invalid/x" onerror="alert(1)">'
const script = '</script><script>alert(2)</script>'
const turned = 'pay\u202Eetalp\u2066\u200B\u0007\u0000'
const long = 'very-long-'.repeat(400)
const link = 'javascript:alert(3)'

const service = `${image} of ${link} then ${turned.replace('\u0000', '')}` // Postgres has no NUL, so the gateway stores another sign
const trace = newID(16)

before(async () => {
  const start = new Date(Date.now() - 30_000)
  const attributes = { [image]: script, [script]: image, [turned]: turned, [long]: long, 'http.url': link, 'url.full': 'http://elsewhere.invalid/y', large: 'x'.repeat(1_000_000), 'service.name': image }
  const events = [{ name: image, time: start, attributes: { 'exception.message': script, 'exception.stacktrace': image } }]
  const root = { trace, id: newID(8), service, name: script, kind: 2, start, ms: 900, attributes, events, failed: image, resource: { 'service.version': script, [image]: long } }
  const below = { trace, id: newID(8), parent: root.id, service: long, name: turned, start, ms: 500, kind: 3, attributes: { 'db.system.name': image, 'db.query.text': script, 'peer.service': turned } }
  await sendSpans(made, [root, below, { ...below, id: newID(8), name: long }])
  const bodies = [image, script, turned, long, link, { [image]: script }, [image], '\u001b[31mred\u001b[0m', `{"message": "${link}"}`, 'x'.repeat(200_000)]
  await sendLines(made, bodies.map((body) => ({ service, trace, span: root.id, body, severity: 17, time: start, attributes })))
  await sendLines(made, [{ service, body: `${image} without a trace`, severity: 13, time: start }])
  await eventually('the lines are stored', async () => (await answer(made, `api/v1/pivot/trace/${trace}/logs`)).logs.length === bodies.length)
})

const query = `traces_spanmetrics_latency{service=${JSON.stringify(service)}}`
const views = {
  overview: ['#/?from=now-15m', '.overview tbody tr'],
  metric: [`#/metric?from=now-15m&query=${encodeURIComponent(query)}`, '.metric-traces tbody tr'],
  'metric with a box': [`#/metric?from=now-15m&box=,,0.1,&query=${encodeURIComponent(query)}`, '.metric-traces tbody tr'],
  trace: [`#/trace/${trace}`, '[role=treegrid] [data-at]'],
  logs: [`#/logs?from=now-15m&services=${encodeURIComponent(service)}`, '[role=grid] [role=row]'],
  'log lines by a hostile query': [`#/logs?from=now-15m&q=${encodeURIComponent(image)}`, '[role=grid] [role=row]'],
  map: ['#/map?from=now-15m', 'tbody tr'],
  health: ['#/health?from=now-15m', 'tbody tr'],
  'health of no id': [`#/health?id=${encodeURIComponent(image)}`, 'main'],
}

for (const window of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
  test(`every view, ${window.width} px wide`, async (t) => {
    const page = await open(t, made, '#/', { ...window, allow: [/status of 400/] })
    for (const [name, [address, drawn]] of Object.entries(views)) {
      await t.test(name, async () => {
        await page.goto('about:blank')
        await page.goto(new URL(address, made.api).href)
        await page.locator(drawn).filter({ visible: true }).first().waitFor()
        await eventually('nothing is being read', async () => (await page.locator('[aria-busy=true]').count()) === 0)
        await fits(page)
        await harmless(page)
        if (window.width > 1000) await accessible(page)
      })
    }
  })
}

test('a span with hostile attributes, all of them shown', async (t) => {
  const page = await open(t, made, `#/trace/${trace}`)
  await page.locator('[role=treegrid] [data-at]').first().waitFor()
  await page.getByText(/^\d+ more attributes/).click()
  await page.getByText(script).first().waitFor()
  await fits(page)
  await harmless(page)
})

// harmless fails if text became markup, if a link leads anywhere but into the page, or if marks that turn
// the direction of text came through.
async function harmless(page) {
  const found = await page.evaluate(() => {
    const links = [...document.querySelectorAll('a[href]')].filter((a) => !a.getAttribute('href').startsWith('#')).map((a) => `link to ${a.getAttribute('href').slice(0, 100)}`)
    const elements = [...document.querySelectorAll('img, iframe, object, embed, script:not([src])')].map((e) => e.outerHTML.slice(0, 100))
    const turned = /(?!\n|\t)[\p{Cc}\u202e\u2066]/u.exec(document.body.innerText)
    const marks = turned ? [`an unseen mark in ${document.body.innerText.slice(Math.max(0, turned.index - 40), turned.index + 20)}`] : []
    return [...links, ...elements, ...marks]
  })
  assert.deepEqual(found, [])
}
