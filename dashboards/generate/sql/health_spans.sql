-- the first spans of each of 20 parts of the range are a sample; spans of the last minute may still get their parent
WITH sampled AS MATERIALIZED (
    SELECT s.service, s.trace_id, s.parent_span_id, s.example
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT service, trace_id, parent_span_id, kind || ' ' || name AS example
        FROM plait.spans
        WHERE $__timeFilter(start_time)
          AND start_time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND start_time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND start_time < now() - interval '1 minute'
        LIMIT 100
    ) s
),
looked_up AS (
    SELECT s.service, s.trace_id, s.example, s.parent_span_id IS NOT NULL AND NOT p.found AS orphan
    FROM sampled s
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM plait.spans p WHERE p.trace_id = s.trace_id AND p.span_id = s.parent_span_id) AS found OFFSET 0) p
),
counted AS (
    SELECT service,
           count(*) AS spans,
           count(*) FILTER (WHERE orphan)::float8 / count(*) AS orphans,
           count(*) FILTER (WHERE trace_id < '00000000-0000-0001-0000-000000000000')::float8 / count(*) AS half,
           min(example) FILTER (WHERE orphan) AS example,
           (min(encode(uuid_send(trace_id), 'hex')) FILTER (WHERE orphan)) AS trace
    FROM looked_up
    GROUP BY service
),
told AS (
    SELECT service, spans, orphans, half,
           CASE
               WHEN service LIKE 'unknown\_service%' THEN 'Set OTEL_SERVICE_NAME (or service.name in the resource) where these come from.'
               WHEN orphans > 0.01 THEN 'The caller''s spans are missing: is the caller instrumented, does its exporter reach Plait, does a proxy on the way begin spans that it does not send, is the caller sampled apart?'
               WHEN half > 0.1 THEN 'Nobody knows these ids to more than 64 bits: let the tracer make 128-bit ids, and propagate traceparent.'
               ELSE ''
           END AS mend,
           example, trace
    FROM counted
)
SELECT service, spans, orphans, half, mend, example, trace
FROM told
ORDER BY mend = '', greatest(orphans, half) DESC, service
LIMIT 200
