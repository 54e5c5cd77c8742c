-- of the first spans of each of 20 parts of the range, those that another service called
WITH called AS MATERIALIZED (
    SELECT s.trace_id, s.service, p.service AS caller, extract(epoch FROM p.start_time - s.start_time)::float8 * 1000 AS early
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT trace_id, parent_span_id, service, start_time
        FROM plait.spans
        WHERE $__timeFilter(start_time)
          AND kind IN ('server', 'consumer')
          AND start_time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND start_time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
        LIMIT 100
    ) s
    CROSS JOIN LATERAL (SELECT service, start_time FROM plait.spans WHERE spans.trace_id = s.trace_id AND spans.span_id = s.parent_span_id LIMIT 1) p
    WHERE p.service <> s.service
)
SELECT caller, service, count(*) AS calls,
       count(*) FILTER (WHERE early > 0)::float8 / count(*) AS share,
       greatest(max(early), 0) AS early,
       CASE WHEN greatest(max(early), 0) > 5 THEN 'The clock of the called service is behind, or the caller''s is ahead: look at their NTP.' ELSE '' END AS mend,
       (array_agg(encode(uuid_send(trace_id), 'hex') ORDER BY early DESC))[1] AS trace
FROM called
GROUP BY caller, service
ORDER BY early DESC, caller, service
LIMIT 200
