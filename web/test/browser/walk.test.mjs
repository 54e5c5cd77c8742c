// From a spike to its cause, on the shop's data: by clicks, and by keys alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, open } from './browser.mjs'
import { demo, spikesWithin } from './gateways.mjs'

// Requests of other operations are slow for the same reason, and by other values.
const slow = (page) => page.locator('a.spike:not(.spike-failed)', { hasText: /storefront\s*GET \/products/ }).first()

const values = (page) => page.getByRole('list', { name: 'Values, the least likely first' }).getByRole('listitem')

test('one click leads from a spike to its cause, the next into the slow span', async (t) => {
  const page = await open(t, demo, '#/')
  await page.getByRole('heading', { level: 1, name: /^storefront (was slow|failed) / }).waitFor({ timeout: spikesWithin })
  await slow(page).click({ timeout: spikesWithin })

  await page.waitForFunction(() => location.hash.startsWith('#/metric') && location.hash.includes('box='))
  assert.match(await values(page).first().innerText(), /warehouse\s+leipzig/)
  await page.getByRole('region', { name: 'Around then, without a trace id' }).getByText(/index \S+ is invalid/).first().waitFor()
  await accessible(page)

  await page.getByRole('region', { name: 'Traces, as a table' }).getByRole('link').first().click()
  await page.locator('[role=row][aria-label*="slow query"]').first().waitFor()
  const rows = await page.locator('[role=treegrid] [data-at]').evaluateAll((all) => all.map((r) => r.getAttribute('aria-label')))
  const line = rows.findIndex((r) => r.includes('slow query'))
  assert.match(rows.slice(0, line).findLast((r) => !/^(log line|[FEWID]\b)/.test(r)), /^inventory, /, rows.join('\n'))
})

test('one click leads from failures to the line that names their cause', async (t) => {
  const page = await open(t, demo, '#/')
  await page.locator('a.spike-failed', { hasText: 'POST /checkout' }).first().click({ timeout: spikesWithin })
  await page.getByRole('region', { name: 'Around then, without a trace id' }).getByText('key server locked session').first().waitFor()
})

test('the way to the slow span by keys alone', async (t) => {
  const page = await open(t, demo, '#/health')
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await page.keyboard.press('1')
  await slow(page).waitFor({ timeout: spikesWithin })
  const row = Number(await slow(page).getAttribute('data-row'))
  for (let i = 0; i <= row; i++) await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => location.hash.includes('box='))
  await page.getByText(/index \S+ is invalid/).first().waitFor()
  await page.getByRole('region', { name: 'Traces, as a table' }).getByRole('link').first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.locator('[role=row][aria-label*="slow query"]').first().waitFor()
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !location.hash.startsWith('#/trace'))
})
