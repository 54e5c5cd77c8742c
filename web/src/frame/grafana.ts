// Addresses of Grafana's Explore, on the data sources that Plait's dashboards have (docs/grafana.md).
import { range } from './range.ts'

/** Source is the uid of a data source. */
export type Source = 'plait-prometheus' | 'plait-tempo' | 'plait-loki'

/** explore is where Grafana shows a query, after its own address; from and to are ms since 1970, the page's range without them. */
export function explore(datasource: Source, query: Record<string, unknown>, from = range.value.start, to = range.value.end): string {
  const pane = { datasource, queries: [{ refId: 'A', ...query }], range: { from: String(Math.floor(from)), to: String(Math.ceil(to)) } }
  return `explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`
}
