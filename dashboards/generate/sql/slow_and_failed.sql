-- What is usual for an operation is the median of a sample: the first spans of each of 20 parts of the range. Of the slow
-- spans those come first that exceed it most, of the failed ones the newest. One pass finds both; that every service is
-- meant is seen without looking at services.
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
found AS MATERIALIZED (
    SELECT trace_id, start_time, duration_ns, service, name, kind, status = 'error' AS failed, duration_ns >= (${slower:sqlstring}::float8 * 1000000)::int8 AS slow
    FROM plait.spans
    WHERE $__timeFilter(start_time)
      AND (status = 'error' OR duration_ns >= (${slower:sqlstring}::float8 * 1000000)::int8)
      AND ($pattern$${service:regex}$pattern$ = '.*' OR service ~ $pattern$^(${service:regex})$$pattern$)
),
listed AS (
    SELECT trace_id, max(exceeds_ns) AS exceeds_ns
    FROM (
        (SELECT f.trace_id, max(f.duration_ns - coalesce(u.duration_ns, 0)) AS exceeds_ns
         FROM found f
         LEFT JOIN usual u ON u.service = f.service AND u.name = f.name AND u.kind = f.kind
         WHERE f.slow
         GROUP BY f.trace_id
         ORDER BY 2 DESC
         LIMIT 30)
        UNION ALL
        (SELECT trace_id, 0 FROM found WHERE failed GROUP BY trace_id ORDER BY max(start_time) DESC LIMIT 30)
    ) best
    GROUP BY trace_id
)
SELECT t.trace_id_hex AS trace, t.duration_ms AS duration, greatest(l.exceeds_ns, 0) / 1e6::float8 AS exceeds, t.error_count AS failed,
       t.root_service || U&'\00A0\00A0' || t.root_name AS request, t.start_time AS start, t.span_count AS spans
FROM listed l
CROSS JOIN LATERAL (SELECT * FROM plait.traces WHERE traces.trace_id = l.trace_id OFFSET 0) t
ORDER BY l.exceeds_ns DESC, t.start_time DESC
