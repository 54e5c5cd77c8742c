import { expect, test } from 'vitest'
import { isID, readings } from './find.ts'

test.each([
  '4bf92f3577b34da6a3ce929d0e0e4736',
  'A3CE929D0E0E4736',
  '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1',
  '4bf92f3577b34da6:00f067aa0ba902b7:0:1',
  '4bf92f3577b34da6a3ce929d0e0e4736/67667974448284343;o=1',
  'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1',
  '1-5759e988-bd862e3fe1be46a994272793',
  '|4bf92f35.a3ce_',
  '11803532876627986230',
])('%s is an id', (text) => expect(isID(text)).toBe(true))

test.each(['declined', 'GET /cart', 'up', '{service_name="a"}', '12345'])('%s is none', (text) => expect(isID(text)).toBe(false))

const first = (text: string) => readings(text, ['cart', 'catalog'], ['up', 'upper'])[0]

test('Enter does what is likeliest', () => {
  expect(first('4bf92f3577b34da6a3ce929d0e0e4736')?.to.view).toBe('trace')
  expect(first('{service_name="cart"}')?.does).toContain('LogQL')
  expect(first('cart')?.to).toMatchObject({ view: 'metric', params: { query: 'traces_spanmetrics_latency{service="cart"}' } })
  expect(first('up')?.to).toMatchObject({ view: 'metric', params: { query: 'up' } })
  expect(first('up{job="a"}')?.to).toMatchObject({ view: 'metric', params: { query: 'up{job="a"}' } })
  expect(first('card declined')?.to).toMatchObject({ view: 'logs', params: { q: 'card declined' } })
  expect(first('  ')).toBeUndefined()
})
