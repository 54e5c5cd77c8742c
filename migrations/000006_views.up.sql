-- The public SQL surface of spans and log records (docs/sql.md).
--
-- trace_id is a uuid, which takes 32 hex digits, joins by the index and prints dashes; trace_id_hex is the same
-- as other tools write it, for display (docs/decisions/002).
--
-- The dictionaries that conditions are about are joined, from the left, so that a query which needs none of
-- their columns does not read them. The others are looked up row by row: so spans, logs and exemplars together
-- are eight relations, and of more than eight (join_collapse_limit) the planner does not try all
-- orders: it would then join logs to spans without the index.
--
-- The views say what the API says. A trace is called by its longest root (store/spans/trace_roots.go): where
-- several commits brought spans without a parent, or the root's operation has no name, the root spans tell. A
-- severity that is a number alone, as pino and Bunyan write it, is shown by its name. A span that ends
-- before it starts, or after more than 366 days, took no time (spanmetrics.DurationNanos).
--
-- day is the day (UTC) of a row. Each partition of a day has a check of this very expression, so that a condition
-- on it leaves out the others. The zone is an interval because that is a tenth of the work of a name, and the
-- check is made of every row that is written. A condition with now() in it can leave out nothing by a check: shelf is
-- for that, the key of the partitions itself (000002), which is later than any day for rows outside of the window.
--
-- plait.traces has a row for the first fragment of each trace, so that a condition on time or trace_id reaches
-- the indexes and prunes partitions; the others are added up by a look-up each. Adding all
-- up first would be quicker for all traces of all days, and slower for those of an hour.
DO $$
BEGIN
    CREATE VIEW plait.spans AS
    SELECT s.trace_id,
           lpad(to_hex(s.span_id), 16, '0') AS span_id,
           CASE WHEN s.parent_span_id <> 0 THEN lpad(to_hex(s.parent_span_id), 16, '0') END AS parent_span_id,
           o.service,
           coalesce(nullif(s.extra, '')::jsonb ->> 'name', o.name) AS name,
           (ARRAY['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'])[o.kind + 1] AS kind,
           s.start_time,
           s.start_time + (s.start_sub_ns + s.duration_ns) / 1000 * interval '1 microsecond' AS end_time,
           CASE WHEN s.duration_ns BETWEEN 0 AND 31622400000000000 THEN s.duration_ns ELSE 0 END / 1e6::float8 AS duration_ms,
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
           (s.start_time AT TIME ZONE interval '0')::date AS day,
           encode(uuid_send(s.trace_id), 'hex') AS trace_id_hex,
           s.shelf
    FROM plait_store.span s
    LEFT JOIN plait_store.operation o ON o.id = s.operation
    LEFT JOIN plait_store.attribute_set a ON a.id = s.attribute_set;

    CREATE VIEW plait.logs AS
    SELECT l.time,
           coalesce(nullif(regexp_replace(coalesce(nullif(l.extra, '')::jsonb ->> 'severity_text',
                                                   (SELECT k.severity_text FROM plait_store.log_class k WHERE k.id = l.class)),
                                          CASE WHEN l.severity > 0 THEN '^[0-9]+$' ELSE '^$' END, ''), ''),
                    (ARRAY['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'])[(l.severity + 3) / 4]) AS severity,
           l.severity AS severity_number,
           r.service,
           l.body,
           coalesce(a.attributes::jsonb, '{}') || coalesce(nullif(l.attributes, '')::jsonb, '{}') AS attributes,
           r.attributes::jsonb AS resource,
           CASE WHEN l.trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN l.trace_id END AS trace_id,
           CASE WHEN l.span_id <> 0 THEN lpad(to_hex(l.span_id), 16, '0') END AS span_id,
           (SELECT c.name FROM plait_store.log_class k JOIN plait_store.scope c ON c.id = k.scope WHERE k.id = l.class) AS scope,
           nullif(coalesce(nullif(l.extra, '')::jsonb ->> 'event_name',
                           (SELECT k.event_name FROM plait_store.log_class k WHERE k.id = l.class)), '') AS event_name,
           l.sub_ns,
           l.flags,
           (l.time AT TIME ZONE interval '0')::date AS day,
           CASE WHEN l.trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN encode(uuid_send(l.trace_id), 'hex') END AS trace_id_hex,
           l.shelf
    FROM plait_store.log l
    LEFT JOIN plait_store.resource r ON r.id = l.resource
    LEFT JOIN plait_store.attribute_set a ON a.id = l.attribute_set;

    CREATE VIEW plait.traces AS
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

    -- What a dashboard's variable asks. These views read a dictionary and never the telemetry itself.
    CREATE VIEW plait.services AS
    SELECT service, first_seen, last_seen
    FROM plait_store.service;
END
$$;
