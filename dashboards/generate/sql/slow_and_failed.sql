-- What is usual for an operation is the median of a sample: the first spans of each of 20 parts of the range. Of the slow
-- spans those come first that exceed it most, of the failed ones the newest. That every service is meant is seen without
-- looking at services.
WITH usual AS MATERIALIZED (
    SELECT s.service, s.name, s.kind, percentile_disc(0.5) WITHIN GROUP (ORDER BY s.duration_ns) AS duration_ns
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT service, name, kind, duration_ns
        FROM plait.spans
        WHERE $__timeFilter(start_time)
          AND start_time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND start_time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
        LIMIT 300
    ) s
    GROUP BY s.service, s.name, s.kind
),
-- Spans of a second and more are found by an index.
long AS MATERIALIZED (
    SELECT s.trace_id, max(s.duration_ns - coalesce(u.duration_ns, 0)) AS exceeds_ns
    FROM plait.spans s
    LEFT JOIN usual u ON u.service = s.service AND u.name = s.name AND u.kind = s.kind
    WHERE $__timeFilter(s.start_time)
      AND s.duration_ns >= 1000000000 AND s.duration_ns >= (${slower:sqlstring}::float8 * 1000000)::int8
      AND ($pattern$${service:regex}$pattern$ = '.*' OR s.service ~ $pattern$^(${service:regex})$$pattern$)
    GROUP BY s.trace_id
    ORDER BY 2 DESC
    LIMIT 30
),
-- A shorter span exceeds what is usual by less than a second: where enough traces do so by more, no others are looked for.
short AS MATERIALIZED (
    SELECT s.trace_id, max(s.duration_ns - coalesce(u.duration_ns, 0)) AS exceeds_ns
    FROM plait.spans s
    LEFT JOIN usual u ON u.service = s.service AND u.name = s.name AND u.kind = s.kind
    WHERE (SELECT count(*) < 30 OR min(exceeds_ns) < 1000000000 FROM long)
      AND $__timeFilter(s.start_time)
      AND s.duration_ns < 1000000000 AND s.duration_ns >= (${slower:sqlstring}::float8 * 1000000)::int8
      AND ($pattern$${service:regex}$pattern$ = '.*' OR s.service ~ $pattern$^(${service:regex})$$pattern$)
    GROUP BY s.trace_id
    ORDER BY 2 DESC
    LIMIT 30
),
failed AS MATERIALIZED (
    SELECT trace_id, start_time
    FROM plait.spans
    WHERE $__timeFilter(start_time) AND status = 'error'
      AND ($pattern$${service:regex}$pattern$ = '.*' OR service ~ $pattern$^(${service:regex})$$pattern$)
    ORDER BY start_time DESC
    LIMIT 1000 -- a trace may have many
),
listed AS (
    SELECT trace_id, max(exceeds_ns) AS exceeds_ns
    FROM (
        (SELECT trace_id, max(exceeds_ns) AS exceeds_ns
         FROM (SELECT * FROM long UNION ALL SELECT * FROM short) slow
         GROUP BY trace_id
         ORDER BY 2 DESC
         LIMIT 30)
        UNION ALL
        (SELECT trace_id, 0 FROM failed GROUP BY trace_id ORDER BY max(start_time) DESC LIMIT 30)
    ) best
    GROUP BY trace_id
)
SELECT t.trace_id_hex AS trace, t.duration_ms AS duration, greatest(l.exceeds_ns, 0) / 1e6::float8 AS exceeds, t.error_count AS failed,
       t.root_service || U&'\00A0\00A0' || t.root_name AS request, t.start_time AS start, t.span_count AS spans
FROM listed l
CROSS JOIN LATERAL (SELECT * FROM plait.traces WHERE traces.trace_id = l.trace_id OFFSET 0) t
ORDER BY l.exceeds_ns DESC, t.start_time DESC
