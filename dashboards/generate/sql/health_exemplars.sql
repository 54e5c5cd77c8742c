-- the first exemplars of each of 20 parts of the range are a sample
WITH sampled AS MATERIALIZED (
    SELECT e.metric, e.trace_id
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT metric, trace_id
        FROM plait.exemplars
        WHERE $__timeFilter(time)
          AND time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
        LIMIT 100
    ) e
),
known AS MATERIALIZED (
    SELECT i.trace_id, s.found
    FROM (SELECT DISTINCT trace_id FROM sampled WHERE trace_id IS NOT NULL) i
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM plait.spans s WHERE s.trace_id = i.trace_id) AS found OFFSET 0) s
)
SELECT e.metric, count(*) AS exemplars,
       count(*) FILTER (WHERE e.trace_id IS NULL)::float8 / count(*) AS without_id,
       coalesce(count(*) FILTER (WHERE NOT k.found)::float8 / nullif(count(e.trace_id), 0), 0) AS aside,
       CASE
           WHEN bool_or(NOT k.found) THEN 'Take exemplars of sampled spans only (OTEL_METRICS_EXEMPLAR_FILTER=trace_based), and let the spans of this service come here, too.'
           WHEN bool_and(e.trace_id IS NULL) THEN 'Give exemplars the labels trace_id and span_id.'
           ELSE ''
       END AS mend
FROM sampled e
LEFT JOIN known k ON k.trace_id = e.trace_id
GROUP BY e.metric
ORDER BY aside DESC, without_id DESC, e.metric
LIMIT 200
