-- A view cannot lose a column but by being made again.
DO $$
BEGIN
    DROP INDEX plait_store.log_outside_day;
    DROP INDEX plait_store.span_outside_day;
    DROP VIEW plait.exemplars;
    DROP VIEW plait.samples;
    DROP VIEW plait.traces;
    DROP VIEW plait.logs;
    DROP VIEW plait.spans;

    CREATE VIEW plait.spans AS
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
           s.flags
    FROM plait_store.any_span s
    LEFT JOIN plait_store.operation o ON o.id = s.operation
    LEFT JOIN plait_store.attribute_set a ON a.id = s.attribute_set;

    CREATE VIEW plait.logs AS
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
           l.flags
    FROM plait_store.any_log l
    LEFT JOIN plait_store.resource r ON r.id = l.resource
    LEFT JOIN plait_store.attribute_set a ON a.id = l.attribute_set;

    CREATE VIEW plait.traces AS
    SELECT f.trace_id,
           o.service AS root_service,
           o.name AS root_name,
           f.start_time,
           extract(epoch FROM t.end_time - f.start_time)::float8 * 1000 AS duration_ms,
           t.span_count,
           t.error_count,
           t.services
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

    CREATE VIEW plait.samples AS
    SELECT s.metric, s.labels,
           c.start_time + coalesce(v.after, (v.n - 1) * c.step_ms) * interval '1 millisecond' AS time,
           v.value, v.histogram, c.start_time AS chunk_start, c.end_time AS chunk_end
    FROM plait_store.sample_chunk c
    JOIN plait_store.series s ON s.id = c.series
    CROSS JOIN LATERAL unnest(c.times, c.values, c.histograms) WITH ORDINALITY v(after, value, histogram, n)
    WHERE v.value IS NULL OR v.value <> 'NaN' OR float8send(v.value) <> '\x7ff0000000000002'
    UNION ALL
    SELECT s.metric, s.labels,
           c.start_time + coalesce(v.after, (v.n - 1) * c.step_ms) * interval '1 millisecond',
           v.value, v.histogram, c.start_time, c.end_time
    FROM plait_store.sample_chunk_outside c
    JOIN plait_store.series s ON s.id = c.series
    CROSS JOIN LATERAL unnest(c.times, c.values, c.histograms) WITH ORDINALITY v(after, value, histogram, n)
    WHERE v.value IS NULL OR v.value <> 'NaN' OR float8send(v.value) <> '\x7ff0000000000002'
    UNION ALL
    SELECT s.metric, s.labels, t.time, v.value, v.histogram, t.time, t.time
    FROM plait_store.sample_head h
    CROSS JOIN LATERAL unnest(h.series, h.times, h.values, h.histograms) v(series, millis, value, histogram)
    CROSS JOIN LATERAL (SELECT 'epoch'::timestamptz + v.millis * interval '1 millisecond') t(time)
    JOIN plait_store.series s ON s.id = v.series
    WHERE v.value IS NULL OR v.value <> 'NaN' OR float8send(v.value) <> '\x7ff0000000000002';

    CREATE VIEW plait.exemplars AS
    SELECT s.metric,
           s.labels,
           e.time,
           e.value,
           CASE WHEN e.trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN encode(uuid_send(e.trace_id), 'hex') END COLLATE "C" AS trace_id,
           CASE WHEN e.span_id <> 0 THEN lpad(to_hex(e.span_id), 16, '0') END AS span_id,
           coalesce(nullif(e.labels, '')::jsonb, '{}') AS exemplar_labels
    FROM plait_store.any_exemplar e
    JOIN plait_store.series s ON s.id = e.series;
END
$$;
