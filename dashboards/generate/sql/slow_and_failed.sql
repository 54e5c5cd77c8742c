-- two passes over the spans of the range, each keeping a few; that every service is meant is seen without looking at services
WITH slow AS (
    SELECT trace_id, duration_ns
    FROM plait.spans
    WHERE $__timeFilter(start_time)
      AND duration_ns >= (${slower:sqlstring}::float8 * 1000000)::int8
      AND ($pattern$${service:regex}$pattern$ = '.*' OR service ~ $pattern$^(${service:regex})$$pattern$)
    ORDER BY duration_ns DESC
    LIMIT 300
),
failed AS (
    SELECT trace_id, start_time
    FROM plait.spans
    WHERE $__timeFilter(start_time)
      AND status = 'error'
      AND ($pattern$${service:regex}$pattern$ = '.*' OR service ~ $pattern$^(${service:regex})$$pattern$)
    ORDER BY start_time DESC
    LIMIT 300
),
listed AS (
    (SELECT trace_id FROM slow GROUP BY trace_id ORDER BY max(duration_ns) DESC LIMIT 30)
    UNION
    (SELECT trace_id FROM failed GROUP BY trace_id ORDER BY max(start_time) DESC LIMIT 30)
)
SELECT t.trace_id_hex AS trace, t.duration_ms AS duration, t.error_count AS failed, t.root_service || U&'\00A0\00A0' || t.root_name AS request,
       t.start_time AS start, t.span_count AS spans
FROM listed l
CROSS JOIN LATERAL (SELECT * FROM plait.traces WHERE traces.trace_id = l.trace_id OFFSET 0) t
ORDER BY t.duration_ms DESC
