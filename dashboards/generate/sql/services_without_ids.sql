SELECT service, count(*) AS records, count(*) - count(trace_id) AS without,
       (count(*) - count(trace_id))::float8 / count(*) AS share,
       max(time) FILTER (WHERE trace_id IS NULL) AS last,
       min(body) FILTER (WHERE trace_id IS NULL) AS example
FROM plait.logs
WHERE $__timeFilter(time)
GROUP BY service
HAVING count(*) > count(trace_id)
ORDER BY without DESC
LIMIT 100
