// The Logs view: what was said, which lines belong together, and a tail that holds still.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, open, patience } from './browser.mjs'
import { demo, made, newID, sendLines, sendSpans } from './gateways.mjs'

const lines = (page) => page.getByRole('grid', { name: 'Log lines' }).getByRole('row')

test('a tail at 200 lines a second holds still while one reads, and keeps few rows', async (t) => {
  const service = `tailed-${newID(4)}`
  // Each line is 5 ms after the one before it, and is sent once it is time.
  const began = Date.now() - 300 * 5
  let n = 0
  const send = async (count) => {
    const lines = Array.from({ length: count }, () => ({ service, body: `line ${++n}`, time: new Date(began + n * 5) }))
    await new Promise((due) => setTimeout(due, began + n * 5 - Date.now()))
    await sendLines(made, lines)
  }
  await send(300)
  const page = await open(t, made, `#/logs?services=${service}&tail=1&from=now-15m`)
  await eventually('the newest line is seen', async () => (await lines(page).last().innerText()).includes('line 300'))
  const box = page.locator('.lines-box')
  await box.evaluate((e) => (e.scrollTop = e.scrollHeight / 2))
  const seen = await eventually('the list stands', () => middle(page))

  for (let i = 0; i < 25; i++) await send(40)
  await page.getByRole('button', { name: /new/ }).waitFor()
  assert.deepEqual(await middle(page), seen, 'the line that was read moved')
  assert.ok((await lines(page).count()) < 120, 'rows in the document')
  await page.getByRole('button', { name: /new/ }).click()
  await eventually('the newest line is seen again', async () => {
    const { scrollTop, clientHeight, scrollHeight } = await box.evaluate(({ scrollTop, clientHeight, scrollHeight }) => ({ scrollTop, clientHeight, scrollHeight }))
    return scrollTop + clientHeight >= scrollHeight - 4 && Number(/line (\d+)/.exec(await lines(page).last().innerText())[1]) > 900
  })
})

// The row in the middle of what is seen: its text, and where it stands.
function middle(page) {
  return page.locator('.lines-box').evaluate((box) => {
    const { top, height } = box.getBoundingClientRect()
    const row = [...box.querySelectorAll('[role=row]')].find((r) => r.getBoundingClientRect().bottom > top + height / 2)
    if (row?.getBoundingClientRect().top > top + height / 2) return undefined // what is scrolled to is not drawn yet
    return row && [row.querySelector('.line-text').textContent, Math.round(row.getBoundingClientRect().top)]
  })
}

test('a line leads to its span, lines around it stay in place, and filters count', async (t) => {
  const service = `said-${newID(4)}`
  const trace = newID(16)
  const span = newID(8)
  const start = new Date(Date.now() - 60_000)
  await sendSpans(made, [{ trace, id: span, service, name: 'GET /said', kind: 2, start, ms: 100 }])
  await sendLines(made, [
    ...Array.from({ length: 30 }, (_, i) => ({ service, body: `step ${i}`, time: new Date(+start - 30_000 + i * 1000) })),
    { service, trace, span, body: 'it broke', severity: 17, time: start },
  ])
  const page = await open(t, made, `#/logs?services=${service}&from=now-15m`)
  await eventually('all lines are there', async () => (await page.title()).includes('31'))
  await page.getByRole('checkbox', { name: /^error/i }).click()
  await eventually('only errors are left', async () => (await lines(page).count()) === 1)
  await lines(page).first().click()
  await page.waitForFunction(() => location.hash.includes('around='))
  await eventually('the lines around it are there', async () => (await lines(page).count()) > 5)
  await page.keyboard.press('Enter')
  await page.locator('[role=row][aria-label^="' + service + ', GET /said"]').waitFor()
})

test('words, levels and templates of the shop', async (t) => {
  const page = await open(t, demo, '#/logs?level=warn&joined=no')
  await eventually('the shop has had its first fault', async () => {
    if ((await lines(page).count()) > 0) return true
    await page.waitForTimeout(2000)
    await page.reload()
    await lines(page).first().waitFor({ timeout: 5000 })
    return true
  }, 3 * patience)
  for (const row of await lines(page).all()) assert.match(await row.innerText(), /no trace id/)
  await page.getByRole('search', { name: 'Log lines' }).getByRole('textbox').fill('index is invalid')
  await page.keyboard.press('Enter')
  await eventually('only lines with these words', async () => (await lines(page).allInnerTexts()).every((text) => text.includes('invalid')))
  await page.goto(new URL('#/logs?q={service_name="no-such-service"}', demo.api).href)
  await page.getByText(/no line/i).first().waitFor()
})
