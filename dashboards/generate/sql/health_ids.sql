-- of the first 1,000 records of each of 30 parts of the range
SELECT l.time, l.service AS metric, l.share AS " "
FROM generate_series(0, 29) part
CROSS JOIN LATERAL (
    SELECT min(time) AS time, service, count(trace_id)::float8 / count(*) AS share
    FROM (
        SELECT time, service, trace_id
        FROM plait.logs
        WHERE $__timeFilter(time)
          AND time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 30
          AND time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 30
        LIMIT 1000
    ) first
    GROUP BY service
) l
ORDER BY l.time
