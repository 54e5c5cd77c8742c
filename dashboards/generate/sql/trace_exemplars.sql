SELECT time, metric, value, labels ->> 'service' AS service, span_id, trace_id_hex AS trace_id, labels::text AS labels
FROM plait.exemplars
WHERE trace_id = plait.trace_id(${trace:sqlstring})
ORDER BY time, metric
LIMIT 500
