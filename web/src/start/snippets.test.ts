import { expect, test } from 'vitest'
import { placesOf, snippets } from './snippets.ts'

const at = placesOf('https://plait.example:7080/tools/plait/index.html#/', { http: '[::]:4318', grpc: '0.0.0.0:4317' })

test('senders are told the host that the page was opened with', () => {
  expect(at).toEqual({ http: 'http://plait.example:4318', grpc: 'plait.example:4317', api: 'https://plait.example:7080/tools/plait' })
})

test('each snippet has the address to send to, and none is tied to what is newest', () => {
  for (const s of snippets) {
    expect(s.text(at)).toContain('plait.example:4318')
    expect(s.text(at)).not.toContain('latest')
  }
})
