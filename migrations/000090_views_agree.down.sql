DO $$
BEGIN
    CREATE OR REPLACE VIEW plait.spans AS
    SELECT encode(uuid_send(s.trace_id), 'hex') COLLATE "C" AS trace_id,
           lpad(to_hex(s.span_id), 16, '0') AS span_id,
           CASE WHEN s.parent_span_id <> 0 THEN lpad(to_hex(s.parent_span_id), 16, '0') END AS parent_span_id,
           o.service,
           coalesce(nullif(s.extra, '')::jsonb ->> 'name', o.name) AS name,
           (ARRAY['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'])[o.kind + 1] AS kind,
           s.start_time,
           s.start_time + (s.start_sub_ns + s.duration_ns) / 1000 * interval '1 microsecond' AS end_time,
           s.duration_ns / 1e6::float8 AS duration_ms,
           (ARRAY['unset', 'ok', 'error'])[s.status + 1] AS status,
           nullif(s.extra, '')::jsonb ->> 'status_message' AS status_message,
           coalesce(a.attributes::jsonb, '{}') || coalesce(nullif(s.attributes, '')::jsonb, '{}') AS attributes,
           (SELECT r.attributes::jsonb FROM plait_store.resource r WHERE r.id = s.resource) AS resource,
           (SELECT c.name FROM plait_store.scope c WHERE c.id = o.scope) AS scope,
           coalesce(nullif(s.extra, '')::jsonb -> 'events', '[]') AS events,
           coalesce(nullif(s.extra, '')::jsonb -> 'links', '[]') AS links,
           s.duration_ns,
           nullif(s.extra, '')::jsonb ->> 'trace_state' AS trace_state,
           (SELECT c.version FROM plait_store.scope c WHERE c.id = o.scope) AS scope_version,
           s.start_sub_ns,
           s.flags,
           (s.start_time AT TIME ZONE interval '0')::date AS day
    FROM plait_store.any_span s
    LEFT JOIN plait_store.operation o ON o.id = s.operation
    LEFT JOIN plait_store.attribute_set a ON a.id = s.attribute_set;

    CREATE OR REPLACE VIEW plait.logs AS
    SELECT l.time,
           coalesce(nullif(coalesce(nullif(l.extra, '')::jsonb ->> 'severity_text',
                                    (SELECT k.severity_text FROM plait_store.log_class k WHERE k.id = l.class)), ''),
                    (ARRAY['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'])[(l.severity + 3) / 4]) AS severity,
           l.severity AS severity_number,
           r.service,
           l.body,
           coalesce(a.attributes::jsonb, '{}') || coalesce(nullif(l.attributes, '')::jsonb, '{}') AS attributes,
           r.attributes::jsonb AS resource,
           CASE WHEN l.trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN encode(uuid_send(l.trace_id), 'hex') END COLLATE "C" AS trace_id,
           CASE WHEN l.span_id <> 0 THEN lpad(to_hex(l.span_id), 16, '0') END AS span_id,
           (SELECT c.name FROM plait_store.log_class k JOIN plait_store.scope c ON c.id = k.scope WHERE k.id = l.class) AS scope,
           nullif(coalesce(nullif(l.extra, '')::jsonb ->> 'event_name',
                           (SELECT k.event_name FROM plait_store.log_class k WHERE k.id = l.class)), '') AS event_name,
           l.sub_ns,
           l.flags,
           (l.time AT TIME ZONE interval '0')::date AS day
    FROM plait_store.any_log l
    LEFT JOIN plait_store.resource r ON r.id = l.resource
    LEFT JOIN plait_store.attribute_set a ON a.id = l.attribute_set;

    CREATE OR REPLACE VIEW plait.traces AS
    SELECT f.trace_id,
           o.service AS root_service,
           o.name AS root_name,
           f.start_time,
           extract(epoch FROM t.end_time - f.start_time)::float8 * 1000 AS duration_ms,
           t.span_count,
           t.error_count,
           t.services,
           (f.start_time AT TIME ZONE interval '0')::date AS day
    FROM (SELECT encode(uuid_send(trace_id), 'hex') COLLATE "C" AS trace_id, start_time, tableoid AS fragment_table, ctid AS fragment_row
          FROM plait_store.any_trace_fragment) f
    CROSS JOIN LATERAL (
        SELECT (array_agg(g.fragment_table ORDER BY g.start_time, g.fragment_table, g.fragment_row))[1] AS first_table,
               (array_agg(g.fragment_row ORDER BY g.start_time, g.fragment_table, g.fragment_row))[1] AS first_row,
               (array_agg(g.root_operation ORDER BY g.start_time) FILTER (WHERE g.root_operation <> 0))[1] AS root_operation,
               max(g.start_time + g.duration_ns / 1000 * interval '1 microsecond') AS end_time,
               sum(g.span_count)::int8 AS span_count,
               sum(g.error_count)::int8 AS error_count,
               (SELECT array_agg(DISTINCT s ORDER BY s) FROM unnest(string_to_array(string_agg(array_to_string(g.services, E'\x01'), E'\x01'), E'\x01')) s) AS services
        FROM (SELECT encode(uuid_send(trace_id), 'hex') COLLATE "C" AS trace_id, start_time, duration_ns, root_operation, span_count, error_count, services,
                     tableoid AS fragment_table, ctid AS fragment_row
              FROM plait_store.any_trace_fragment) g
        WHERE g.trace_id = f.trace_id
    ) t
    LEFT JOIN plait_store.operation o ON o.id = t.root_operation
    WHERE t.first_table = f.fragment_table AND t.first_row = f.fragment_row;
END
$$;
