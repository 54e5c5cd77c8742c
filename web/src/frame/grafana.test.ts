import { expect, test } from 'vitest'
import { explore } from './grafana.ts'

test('Grafana is asked for the same query and time', () => {
  const [path, panes] = explore('plait-tempo', { queryType: 'traceql', query: 'a1' }, 1000.4, 2000.4).split('panes=') as [string, string]
  expect(path).toBe('explore?schemaVersion=1&')
  expect(JSON.parse(decodeURIComponent(panes))).toEqual({ a: { datasource: 'plait-tempo', queries: [{ refId: 'A', queryType: 'traceql', query: 'a1' }], range: { from: '1000', to: '2001' } } })
})
