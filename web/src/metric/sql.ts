// The requests of a box as SQL, for who wants to go on by hand.
import { sqlText } from '../frame/hand.ts'
import { iso, type Range } from '../frame/range.ts'
import type { Box } from './box.ts'
import { parseRequests } from './selector.ts'

/** sqlOf asks for the slowest requests of a query, in its box or range; empty where SQL cannot say it. */
export function sqlOf(query: string, box: Box | undefined, range: Range): string {
  const requests = parseRequests(query)
  if (!requests) return ''
  const [start, end] = [Math.max(box?.t0 ?? -Infinity, range.start), Math.min(box?.t1 ?? Infinity, range.end)]
  const conditions = [
    `start_time >= ${sqlText(iso(start))}`,
    `start_time < ${sqlText(iso(end))}`,
    requests.service && `service = ${sqlText(requests.service)}`,
    requests.kind && `kind = ${sqlText(requests.kind.replace('SPAN_KIND_', '').toLowerCase())}`,
    requests.operation && `name = ${sqlText(requests.operation)}`,
    requests.status && `status = ${sqlText(requests.status.replace('STATUS_CODE_', '').toLowerCase())}`,
    box && box.low > 0 && `duration_ms >= ${box.low * 1000}`,
    box && Number.isFinite(box.high) && `duration_ms <= ${box.high * 1000}`,
  ]
  return `SELECT trace_id, start_time, name, duration_ms, status\nFROM plait.spans\nWHERE ${conditions.filter(Boolean).join('\n  AND ')}\nORDER BY duration_ms DESC\nLIMIT 100;`
}
