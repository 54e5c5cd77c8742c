-- A sample: of the first 2,000 records of each of 20 parts of the range 100, whose choice has nothing to do with their ids, as
-- their order has. Whether a trace is stored is asked once for each id.
WITH sampled AS MATERIALIZED (
    SELECT l.service, l.trace_id, l.flags, l.example
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT service, trace_id, flags, example
        FROM (
            SELECT time, service, trace_id, flags, left(body, 200) AS example
            FROM plait.logs
            WHERE $__timeFilter(time)
              AND time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
              AND time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
            LIMIT 2000
        ) first
        ORDER BY hashtext(example || time)
        LIMIT 100
    ) l
),
known AS MATERIALIZED (
    SELECT i.trace_id, s.found
    FROM (SELECT DISTINCT trace_id FROM sampled WHERE trace_id IS NOT NULL) i
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM plait.spans s WHERE s.trace_id = i.trace_id) AS found OFFSET 0) s
),
counted AS (
    SELECT r.service,
           count(*) AS records,
           count(*) FILTER (WHERE r.trace_id IS NULL)::float8 / count(*) AS without_id,
           coalesce(count(*) FILTER (WHERE NOT k.found)::float8 / nullif(count(r.trace_id), 0), 0) AS not_found,
           coalesce(count(*) FILTER (WHERE NOT k.found AND r.flags & 1 = 0)::float8 / nullif(count(*) FILTER (WHERE NOT k.found), 0), 0) AS not_sampled,
           coalesce(count(*) FILTER (WHERE r.trace_id < '00000000-0000-0001-0000-000000000000')::float8 / nullif(count(r.trace_id), 0), 0) AS half,
           min(r.example) FILTER (WHERE r.trace_id IS NULL) AS example
    FROM sampled r
    LEFT JOIN known k ON k.trace_id = r.trace_id
    GROUP BY r.service
),
told AS (
    SELECT service, records, without_id, not_found, half,
           CASE
               WHEN service LIKE 'unknown\_service%' THEN 'Set OTEL_SERVICE_NAME (or service.name in the resource) where these come from.'
               WHEN without_id > 0.1 THEN 'Let the logger write the trace id of the span that it logs in: its bridge to OpenTelemetry, or trace_id and span_id in its layout.'
               WHEN not_found > 0.1 AND not_sampled > 0.9 THEN 'These traces do not carry the flag sampled: raise the share of the sampler (OTEL_TRACES_SAMPLER_ARG), or sample whole traces at their root.'
               WHEN not_found > 0.1 THEN 'Spans of these traces never came: look at the exporter of spans of this service and of its callers, and whether logs are kept longer than traces.'
               WHEN half > 0.1 THEN 'Nobody knows these ids to more than 64 bits: let the tracer make 128-bit ids.'
               ELSE ''
           END AS mend,
           example
    FROM counted
)
SELECT service, records, without_id, not_found, half, mend, example
FROM told
ORDER BY mend = '', greatest(without_id, not_found, half) DESC, service
LIMIT 200
