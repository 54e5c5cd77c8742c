-- Days whose traces were made fewer (docs/decisions/046), and what went with them.
DO $$
BEGIN
    CREATE TABLE plait_store.thinned_day (
        shelf          date PRIMARY KEY,
        thinned_at     timestamptz NOT NULL,
        indexed        bool NOT NULL,        -- what is gone is out of the index of terms
        probabilities  float8[] NOT NULL,    -- with which chance kept a trace of each hour
        kept           int8 NOT NULL,        -- traces that were kept for what they are
        kept_by_chance int8 NOT NULL,
        gone           int8 NOT NULL,
        bytes_before   int8 NOT NULL,        -- of the partitions; 0 where nothing went
        bytes_after    int8 NOT NULL
    );

    -- The lower halves of the ids of traces that are gone: of those that began in an hour, of which the lowest bits are the
    -- number of the list.
    CREATE TABLE plait_store.thinned_trace (
        shelf   date NOT NULL,
        list    int2 NOT NULL,
        hour    int2 NOT NULL,
        low_ids int8[] NOT NULL,
        PRIMARY KEY (list, shelf, hour)
    );
    ALTER TABLE plait_store.thinned_trace ALTER COLUMN low_ids SET STORAGE EXTERNAL; -- they are random

    -- As 000006 makes them, with the probability with which chance kept a row.
    CREATE OR REPLACE VIEW plait.spans AS
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
           s.shelf,
           coalesce((nullif(s.extra, '')::jsonb ->> 'kept_probability')::float8, 1) AS kept_probability
    FROM plait_store.span s
    LEFT JOIN plait_store.operation o ON o.id = s.operation
    LEFT JOIN plait_store.attribute_set a ON a.id = s.attribute_set;

    CREATE OR REPLACE VIEW plait.logs AS
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
           l.shelf,
           coalesce((nullif(l.extra, '')::jsonb ->> 'kept_probability')::float8, 1) AS kept_probability
    FROM plait_store.log l
    LEFT JOIN plait_store.resource r ON r.id = l.resource
    LEFT JOIN plait_store.attribute_set a ON a.id = l.attribute_set;
END
$$;
