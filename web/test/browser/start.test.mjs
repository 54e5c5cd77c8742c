// The first start: a gateway that never got anything says how to send, and tells of what comes.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { accessible, fits, open } from './browser.mjs'
import { answer, demo, first, newID, sendSpans } from './gateways.mjs'

test('from nothing stored to the first trace, without a reload', async (t) => {
  const page = await open(t, first, '#/')
  await page.getByRole('heading', { level: 1, name: 'Nothing has arrived yet' }).waitFor()
  await page.getByText(first.ingest).first().waitFor()
  await accessible(page)
  await onAPhone(t)

  await page.evaluate(() => (globalThis.notLoadedAgain = true))
  await speakGRPC(first.ingest)
  await page.getByRole('alert').getByText('OTLP/gRPC has a port of its own').waitFor()
  assert.match(await page.getByRole('listitem').filter({ hasText: 'First request' }).innerText(), /refused/)

  await sendSpans(first, [{ trace: newID(16), id: newID(8), service: 'checkout', name: 'GET /', kind: 2 }])
  await page.getByRole('link', { name: 'First trace from checkout: open it' }).click()
  await page.locator('[role=row][aria-label^="checkout, GET /"]').waitFor()
  assert.ok(await page.evaluate(() => globalThis.notLoadedAgain))
})

test('nothing is asked, nor shown, before it is known whether anything is stored', async (t) => {
  const asked = []
  let goOn
  const told = new Promise((resolve) => (goOn = resolve))
  const page = await open(t, demo, '#/', {
    before: async (page) => {
      page.on('request', (request) => asked.push(new URL(request.url()).pathname))
      await page.route('**/api/v1/about', (route) => told.then(() => route.fulfill({ json: { ...about, oldest: { seen: null } } })))
    },
  })
  const about = await answer(demo, 'api/v1/about')
  await page.getByRole('heading', { level: 1, name: 'Reading …' }).waitFor()
  goOn()
  await page.getByRole('heading', { level: 1, name: 'Nothing has arrived yet' }).waitFor()
  assert.deepEqual(
    asked.filter((path) => /spikes|log-templates|volume/.test(path)),
    [],
  )
})

async function onAPhone(t) {
  const page = await open(t, first, '#/', { width: 390, height: 844, theme: 'dark' })
  await page.getByRole('heading', { level: 1, name: 'Nothing has arrived yet' }).waitFor()
  await fits(page)
  await accessible(page)
}

// speakGRPC says to the port for HTTP what a gRPC client says first.
function speakGRPC(url) {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
    socket.on('error', reject).on('end', resolve).resume()
  })
}
