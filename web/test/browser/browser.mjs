// What the tests share: a browser, and pages that are watched for what must not happen. `go test ./test/page`
// starts the gateways and runs the tests.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after } from 'node:test'
import axe from 'axe-core'
import { chromium } from 'playwright-core'

/** patience is how long (ms) a busy machine may take until something is seen. */
export const patience = 60_000

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

let launched
/** browser is the one of this file's tests. */
export function browser() {
  const executablePath = process.env.PLAIT_TEST_CHROMIUM ?? places.find(existsSync) ?? assert.fail('there is no Chromium: scripts/page-tools.sh gets it')
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [] // Chromium's sandbox refuses root
  launched ??= chromium.launch({ executablePath, args })
  return launched
}
after(async () => (await launched)?.close())

/**
 * open shows an address, such as '#/logs', of a gateway's page until the test t ends. What must never
 * happen fails the test: errors in the console, violations of the page's policy, requests to anybody
 * else. Of the options, width and height are the window's, theme is light or dark, timezoneId and others
 * are as Playwright's contexts take them; allow lists what the console may say; at is another base
 * than the gateway's own; before is called with the page before it goes anywhere.
 */
export async function open(t, { api }, address = '#/', { width = 1440, height = 900, theme = 'light', allow = [], at = api, before, ...more } = {}) {
  const context = await (await browser()).newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', ...more })
  const page = await context.newPage()
  page.setDefaultTimeout(patience)
  const complaints = watch(page, at, allow)
  t.after(async () => {
    if (!t.passed) t.diagnostic(await shown(page))
    await context.close()
    assert.deepEqual(complaints, [], 'what must not happen on the page')
  })
  await before?.(page)
  await page.goto(new URL(address, at.replace(/\/*$/, '/')).href)
  return page
}

/** shown tells what a page shows when its test has failed: its address, and its text. */
async function shown(page) {
  const text = await page.locator('body').innerText({ timeout: 5000 }).catch((error) => `no text: ${error.message}`)
  return `the page at ${page.url()} shows:\n${text.replaceAll(/\n{2,}/g, '\n').slice(0, 4000)}`
}

function watch(page, at, allow) {
  const complaints = []
  const complain = (what) => allow.some((pattern) => pattern.test(what)) || complaints.push(what)
  const origin = new URL(at).origin
  page.on('console', (message) => message.type() === 'error' && complain(`console: ${message.text()} ${message.location().url}`))
  page.on('pageerror', (error) => complain(`error: ${error.stack ?? error}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    const local = url.protocol === 'data:' || url.protocol === 'blob:'
    if (!local && url.origin !== origin) complain(`request to ${request.url()}`)
  })
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return complaints
}

/**
 * accessible fails on what axe-core finds serious in what is shown. A part whose next answer takes long
 * is dimmed until it comes, which is no fault of its colours: it is shown here as it is with that answer.
 */
export async function accessible(page) {
  await page.evaluate(() => document.styleSheets[0].insertRule('.part-old { animation: none !important }'))
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  const told = serious.flatMap((v) => v.nodes.slice(0, 5).map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.replaceAll('\n', ' ')}`))
  assert.deepEqual(told, [], 'axe-core finds')
}

/** fits fails if the page scrolls sideways, and names what is too wide. */
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    const over = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > width + 1)
    return [`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width} px`, ...over.slice(0, 8).map((e) => `${e.tagName} ${e.getAttribute('class')}`)]
  })
  assert.deepEqual(wide, [])
}

/** eventually calls try until it neither throws nor returns false, and returns what it returned. */
export async function eventually(what, attempt, within = patience) {
  const deadline = Date.now() + within
  for (;;) {
    let failure
    try {
      const result = await attempt()
      if (result !== false && result !== undefined) return result
    } catch (error) {
      failure = error
    }
    if (Date.now() > deadline) throw new Error(`not within ${within / 1000} s: ${what}`, { cause: failure })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

