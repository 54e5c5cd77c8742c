// Health: what limits left out is told, in the table of ways in and with its time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, fits, open } from './browser.mjs'
import { answer, demo, made, newID, sendSpans } from './gateways.mjs'

test('what a limit left out is told with its service, and counted by way in', async (t) => {
  const spans = Array.from({ length: 300 }, () => ({ trace: newID(16), id: newID(8), service: 'limited-till', name: 'GET /' }))
  await assert.rejects(sendSpans(made, spans), /of 300 spans of limited-till are sampled out/)

  const page = await open(t, made, '#/health')
  const coming = page.getByRole('region', { name: 'Coming in' })
  await coming.getByText(/^Above the limit of limited-till .*: \d+ of 300 spans left out; at the worst [\d.]+.% were kept\.$/).waitFor()
  const row = coming.locator('tbody tr', { hasText: 'otlp_http' })
  const at = await coming.locator('thead th').allInnerTexts()
  const leftOut = await row.locator('td, th').nth(at.indexOf('left out')).innerText()
  assert.ok(Number(leftOut.replaceAll(',', '')) > 250, `left out: ${leftOut}`)
  await accessible(page)

  const onAPhone = await open(t, made, '#/health', { width: 390, height: 844, theme: 'dark' })
  await onAPhone.getByText('Above the limit of limited-till').waitFor()
  await fits(onAPhone)
})

test('what limits left out before the gateway started is told beside that nothing came in since', async (t) => {
  const limited = [{ signal: 'logs', start: '2026-03-04T10:02:00Z', end: '2026-03-04T10:05:00Z', came: 200, sampled: 50, least_share: 0.75 }]
  const json = { ...(await answer(demo, 'api/v1/intake')), doors: [], limited }
  const page = await open(t, demo, '#/health', { before: (page) => page.route('**/api/v1/intake', (route) => route.fulfill({ json })) })
  const coming = page.getByRole('region', { name: 'Coming in' })
  await coming.getByText('No request has come in yet.').waitFor()
  await coming.getByText(/^Above the limit .*: 50 of 200 log records left out; at the worst 75.% were kept\.$/).waitFor()
})
