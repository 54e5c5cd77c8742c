-- the logs panel takes the first column of text as the line, level by its name, and the rest as fields
SELECT time,
       body,
       CASE
           WHEN severity_number >= 21 THEN 'critical'
           WHEN severity_number >= 17 THEN 'error'
           WHEN severity_number >= 13 THEN 'warning'
           WHEN severity_number >= 9 THEN 'info'
           WHEN severity_number >= 5 THEN 'debug'
           WHEN severity_number >= 1 THEN 'trace'
           ELSE 'unknown'
       END AS level,
       service,
       span_id,
       trace_id_hex AS trace_id,
       attributes::text AS attributes
FROM plait.logs
WHERE trace_id = plait.trace_id(${trace:sqlstring})
ORDER BY time, sub_ns
LIMIT 1000
