-- most records have an id and are looked at once for it; of the services where some lack one, all are counted
WITH lacking AS MATERIALIZED (
    SELECT service, count(*) AS records, max(time) AS last, min(body) AS example
    FROM plait.logs
    WHERE $__timeFilter(time) AND trace_id IS NULL
    GROUP BY service
    ORDER BY records DESC
    LIMIT 100
)
SELECT l.service, a.records, l.records AS without, l.records::float8 / a.records AS share, l.last, l.example
FROM lacking l
JOIN (
    SELECT service, count(*) AS records
    FROM plait.logs
    WHERE $__timeFilter(time) AND EXISTS (SELECT FROM lacking)
    GROUP BY service
) a ON a.service = l.service
ORDER BY l.records DESC
