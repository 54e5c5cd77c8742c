import { expect, test } from 'vitest'
import { saying } from './saying.ts'

test.each([
  ['stock reserved', 'stock reserved'],
  ['{"level":"ERROR","message":"session is locked"}', 'session is locked'],
  ['{"msg":"","event":"started"}', 'started'],
  ['{"count":3}', '{"count":3}'],
  ['{broken', '{broken'],
  ['2026-11-27 03:56:09,322 INFO [shipping.quotes] [dd.trace_id=18 dd.span_id=11] - quoted 1 items', 'quoted 1 items'],
  ['<_>-<_>-<_> <_>:<_>:<_>,<_> WARN [shipping.quotes] [dd.trace_id=<_> dd.span_id=<_>] - carrier barge answered in <_> ms', 'carrier barge answered in <_> ms'],
  ['21:33:07.947 WARN  o.s.OrderServiceImpl#72 TraceID: 005c0b62aff3232e78c7d19e0dbd8c42 SpanID: 19ff2f7a53a6d308 [getSold][No content]', '[getSold][No content]'],
  ['<_>:<_>:<_>.<_> ERROR o.a.c.c.C.[.[#<_> TraceID: <_> SpanID: <_> Servlet.service() threw exception', 'Servlet.service() threw exception'],
  ['2026-11-27 03:56:09,322 INFO shop.Cart trace_id=18 emptied', 'emptied'],
  ['the trace id: 18 was not found', 'the trace id: 18 was not found'],
  ['2026-11-27T03:56:09Z no level here - at all', '2026-11-27T03:56:09Z no level here - at all'],
])('%s', (text, says) => expect(saying(text)).toBe(says))
