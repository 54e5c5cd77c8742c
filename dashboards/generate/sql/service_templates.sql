-- the first records of each of 20 parts of the range are a sample that is read in the time that a panel has
WITH sampled AS MATERIALIZED (
    SELECT regexp_replace(l.body, '[0-9]+', '#', 'g') AS line, l.severity_number
    FROM generate_series(0, 19) part
    CROSS JOIN LATERAL (
        SELECT left(body, 300) AS body, severity_number
        FROM plait.logs
        WHERE $__timeFilter(time)
          AND service = ${name:sqlstring}
          AND time >= $__timeFrom()::timestamptz + part * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
          AND time < $__timeFrom()::timestamptz + (part + 1) * ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 20
        LIMIT 300
    ) l
)
SELECT line,
       CASE
           WHEN max(severity_number) >= 21 THEN 'critical'
           WHEN max(severity_number) >= 17 THEN 'error'
           WHEN max(severity_number) >= 13 THEN 'warning'
           WHEN max(severity_number) >= 9 THEN 'info'
           WHEN max(severity_number) >= 5 THEN 'debug'
           WHEN max(severity_number) >= 1 THEN 'trace'
           ELSE 'unknown'
       END AS level,
       count(*)::float8 / (SELECT count(*) FROM sampled) AS share
FROM sampled
GROUP BY line
ORDER BY share DESC, line
LIMIT 20
