// What the page says where the gateway is slow, refuses, or breaks off: the part says it, the others live on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, open } from './browser.mjs'
import { demo } from './gateways.mjs'

const refused = { allow: [/Failed to load resource/] }
const calls = (page) => page.getByRole('region', { name: 'Calls', exact: true })

for (const [status, detail] of [
  [429, 'Too many questions at once: ask again in a second.'],
  [503, 'The database does not answer.'],
  [504, 'There was no time to look at all spans: take a shorter range.'],
]) {
  test(`an answer ${status} is told where it is missing, and can be asked for again`, async (t) => {
    const page = await open(t, demo, '#/', { ...refused, before: (page) => page.route('**/api/v1/service-map?*', (route) => refuse(route, status, detail)) })
    const told = calls(page).getByRole('alert')
    await told.getByText(detail).waitFor()
    assert.match(await told.innerText(), new RegExp(`\\(${status}\\)`))
    await page.getByRole('region', { name: 'First seen in this range' }).getByRole('listitem').first().waitFor()
    await accessible(page)
    await page.unroute('**/api/v1/service-map?*')
    await told.getByRole('button', { name: 'Try again' }).click()
    await calls(page).locator('tbody tr').first().waitFor()
    assert.equal(await told.count(), 0)
  })
}

test('a gateway that went away, or breaks off, is told in words', async (t) => {
  const ways = { 'The gateway does not answer.': (route) => route.abort(), 'The gateway’s answer broke off.': (route) => route.fulfill({ body: '{"start": "2026-' }) }
  for (const [told, answer] of Object.entries(ways)) {
    const page = await open(t, demo, '#/', { ...refused, before: (page) => page.route('**/api/v1/service-map?*', answer) })
    await calls(page).getByRole('alert').getByText(told).waitFor()
  }
})

test('a slow answer says that it is on its way, and can be cancelled', async (t) => {
  const held = []
  const page = await open(t, demo, '#/', { before: (page) => page.route('**/api/v1/service-map?*', (route) => void held.push(route)) })
  await page.getByRole('region', { name: 'First seen in this range' }).getByRole('listitem').first().waitFor()
  await calls(page).getByText('reading').first().waitFor()
  await calls(page).getByRole('button', { name: 'Cancel' }).click()
  await calls(page).getByText('You cancelled this question.').waitFor()
  await page.unroute('**/api/v1/service-map?*')
  await calls(page).getByRole('button', { name: 'Try again' }).click()
  await calls(page).locator('tbody tr').first().waitFor()
  assert.ok(held.length > 0)
})

test('leaving a view cancels what it asked', async (t) => {
  const page = await open(t, demo, '#/', { before: (page) => page.route('**/api/v1/service-map?*', () => {}) })
  await page.getByRole('region', { name: 'First seen in this range' }).getByRole('listitem').first().waitFor()
  const cancelled = page.waitForEvent('requestfailed', (request) => request.url().includes('/service-map?'))
  await page.keyboard.press('4')
  assert.match((await cancelled).failure().errorText, /ERR_ABORTED/)
})

function refuse(route, status, detail) {
  return route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'no answer', status, detail }) })
}
