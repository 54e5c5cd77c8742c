CREATE OR REPLACE VIEW plait.traces AS
SELECT f.trace_id,
       coalesce(root.service, o.service) AS root_service,
       coalesce(root.name, nullif(o.name, '')) AS root_name,
       f.start_time,
       extract(epoch FROM t.end_time - f.start_time)::float8 * 1000 AS duration_ms,
       t.span_count,
       t.error_count,
       t.services,
       (f.start_time AT TIME ZONE interval '0')::date AS day,
       encode(uuid_send(f.trace_id), 'hex') AS trace_id_hex,
       f.shelf
FROM (SELECT trace_id, start_time, shelf, tableoid AS fragment_table, ctid AS fragment_row
      FROM plait_store.trace_fragment) f
CROSS JOIN LATERAL (
    SELECT (array_agg(g.fragment_table ORDER BY g.start_time, g.fragment_table, g.fragment_row))[1] AS first_table,
           (array_agg(g.fragment_row ORDER BY g.start_time, g.fragment_table, g.fragment_row))[1] AS first_row,
           (array_agg(g.root_operation ORDER BY g.start_time) FILTER (WHERE g.root_operation <> 0))[1] AS root_operation,
           count(DISTINCT nullif(g.root_operation, 0)) AS roots,
           max(g.start_time + g.duration_ns / 1000 * interval '1 microsecond') AS end_time,
           sum(g.span_count)::int8 AS span_count,
           sum(g.error_count)::int8 AS error_count,
           (SELECT array_agg(DISTINCT s ORDER BY s) FROM unnest(string_to_array(string_agg(array_to_string(g.services, E'\x01'), E'\x01'), E'\x01')) s) AS services
    FROM (SELECT trace_id, start_time, duration_ns, root_operation, span_count, error_count, services,
                 tableoid AS fragment_table, ctid AS fragment_row
          FROM plait_store.trace_fragment) g
    WHERE g.trace_id = f.trace_id
) t
LEFT JOIN plait_store.operation o ON o.id = t.root_operation
LEFT JOIN LATERAL (
    SELECT p.service, coalesce(nullif(s.extra, '')::jsonb ->> 'name', p.name) AS name
    FROM plait_store.span s
    LEFT JOIN plait_store.operation p ON p.id = s.operation
    WHERE (t.roots > 1 OR o.name = '')
      AND s.trace_id = f.trace_id AND s.parent_span_id = 0
    ORDER BY CASE WHEN s.duration_ns BETWEEN 0 AND 31622400000000000 THEN s.duration_ns ELSE 0 END DESC, s.start_time, s.start_sub_ns, s.span_id
    LIMIT 1
) root ON true
WHERE t.first_table = f.fragment_table AND t.first_row = f.fragment_row;
