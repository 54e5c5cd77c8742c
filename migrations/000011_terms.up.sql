-- The index of what is searched for: from terms to traces, and to log records without one
-- (docs/decisions/019). A commit leaves a head for each partition that it writes to; behind it heads are
-- merged to segments, and small segments to large ones. What was replaced by a merge stays for some
-- minutes, for the searches that have begun with it.
--
-- The ids are random: no sequence hands them out, so any server of a cluster may. Nothing joins
-- these tables with others.
DO $$
BEGIN
    -- The body of a log record with U+0001 for each run of digits, as part of its class, or empty where
    -- bodies vary too much to be entered there.
    ALTER TABLE plait_store.log_class ADD COLUMN template text NOT NULL DEFAULT '';

    -- Of the records without a trace up to 64 that came together share a synthetic trace id, by which a
    -- search that knows it from a head or segment reads them.
    CREATE INDEX log_untraced ON plait_store.log (trace_id)
        WHERE trace_id >= 'ffffffff-ffff-ffff-0000-000000000000'::uuid;

    CREATE TABLE plait_store.term_head (
        id          int8 PRIMARY KEY,
        first_time  timestamptz NOT NULL, -- of its rows
        last_time   timestamptz NOT NULL,
        made_at     timestamptz NOT NULL,
        replaced_at timestamptz NOT NULL, -- infinity: it is in use
        shelf       date NOT NULL,        -- of its rows' partition
        row_count   int4 NOT NULL,
        signal      int2 NOT NULL,        -- 1 spans, 2 log records
        body        bytea NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0.05);
    ALTER TABLE plait_store.term_head ALTER COLUMN body SET STORAGE EXTERNAL; -- it is dense

    CREATE TABLE plait_store.term_segment (
        id          int8 PRIMARY KEY,
        first_time  timestamptz NOT NULL,
        last_time   timestamptz NOT NULL,
        replaced_at timestamptz NOT NULL,
        shelf       date NOT NULL,
        row_count   int4 NOT NULL,
        unit_count  int4 NOT NULL,
        body_bytes  int4 NOT NULL,
        signal      int2 NOT NULL,
        directory   bytea NOT NULL,
        body        bytea NOT NULL
    );
    -- A search reads parts of a body, which a compressed one does not allow.
    ALTER TABLE plait_store.term_segment ALTER COLUMN body SET STORAGE EXTERNAL;
END
$$;
