// What to put where, so that telemetry comes here. Addresses are those that the page was opened with.

/** Places is where the gateway takes telemetry in, as senders beside the reader reach it. */
export interface Places {
  /** http://host:4318 */
  http: string
  /** host:4317 */
  grpc: string
  /** where the page itself is, without a slash at its end */
  api: string
}

export interface Snippet {
  name: string
  text: (at: Places) => string
}

/** placesOf joins the host that the page was opened with to the ports that the gateway listens at. */
export function placesOf(page: string, listens: { http: string; grpc: string }): Places {
  const url = new URL(page)
  const port = (addr: string) => addr.slice(addr.lastIndexOf(':') + 1)
  const host = url.hostname
  return { http: `http://${host}:${port(listens.http)}`, grpc: `${host}:${port(listens.grpc)}`, api: url.origin + url.pathname.replace(/\/[^/]*$/, '') }
}

const environment = (at: Places) => `export OTEL_SERVICE_NAME=checkout
export OTEL_EXPORTER_OTLP_ENDPOINT=${at.http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`

export const snippets: Snippet[] = [
  {
    name: 'Collector',
    text: (at) => `exporters:
  otlphttp/plait:
    endpoint: ${at.http}

service:
  pipelines:
    traces:  { receivers: [otlp], exporters: [otlphttp/plait] }
    logs:    { receivers: [otlp], exporters: [otlphttp/plait] }
    metrics: { receivers: [otlp], exporters: [otlphttp/plait] }`,
  },
  { name: 'Go', text: (at) => `${environment(at)}\n# in the program: otlptracehttp.New(ctx), otlploghttp.New(ctx) and otlpmetrichttp.New(ctx) read these` },
  { name: 'Node', text: (at) => `${environment(at)}\nnpm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js` },
  { name: 'Python', text: (at) => `${environment(at)}\nexport OTEL_LOGS_EXPORTER=otlp\npip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap --action install\nopentelemetry-instrument python app.py` },
  { name: 'Java', text: (at) => `${environment(at)}\njava -javaagent:opentelemetry-javaagent.jar -jar app.jar` },
  { name: '.NET', text: (at) => `${environment(at)}\n# in the program: builder.Services.AddOpenTelemetry().UseOtlpExporter()` },
  {
    name: 'Prometheus',
    text: (at) => `remote_write:
  - url: ${at.http}/api/v1/write
    send_exemplars: true`,
  },
  {
    name: 'Alloy',
    text: (at) => `otelcol.exporter.otlphttp "plait" {
  client {
    endpoint = "${at.http}"
  }
}

loki.write "plait" {
  endpoint {
    url = "${at.http}/loki/api/v1/push"
  }
}`,
  },
  {
    name: 'curl',
    text: (at) => `curl -s ${at.http}/ingest/logs --data-binary '
{"level":"info","service":"checkout","msg":"hello","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}'`,
  },
]
