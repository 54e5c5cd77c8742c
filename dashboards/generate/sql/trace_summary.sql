SELECT trace_id_hex AS trace_id, start_time, root_service, root_name, duration_ms AS duration, span_count AS spans, error_count AS failed,
       array_to_string(services, ', ') AS services
FROM plait.traces
WHERE trace_id = plait.trace_id(${trace:sqlstring})
