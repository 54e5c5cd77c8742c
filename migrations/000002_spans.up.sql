-- Spans, one row each. Rows whose start lies in a day that has a partition are in span;
-- all others (imports of old data, broken clocks) are in span_outside, which is partitioned
-- by the day of arrival and expires by it. Both are partitions of any_span, whose statistics
-- tell the planner how many rows a trace has: over a UNION ALL it would guess a two-hundredth of all.
--
-- Nothing is null and absent text is empty: with a null, a row of more than eight columns
-- grows by eight bytes.
--
-- trace_id is indexed as the hex text that the views show, because a view's text column
-- cannot use an index on uuid. Deduplication keeps it about as small.
DO $$
BEGIN
    CREATE TABLE plait_store.any_span (
        trace_id       uuid NOT NULL,
        start_time     timestamptz NOT NULL, -- microseconds; the rest is in start_sub_ns
        span_id        int8 NOT NULL,
        parent_span_id int8 NOT NULL,        -- 0: none
        duration_ns    int8 NOT NULL,        -- negative when the span ends before it starts
        operation      int8 NOT NULL,
        resource       int8 NOT NULL,
        attribute_set  int8 NOT NULL,        -- 0: none
        flags          int4 NOT NULL,        -- OTLP flags, as their 32 bits
        arrived_on     date NOT NULL DEFAULT '-infinity', -- of rows outside only
        start_sub_ns   int2 NOT NULL,        -- 0..999
        status         int2 NOT NULL,        -- 0 unset, 1 ok, 2 error
        attributes     text NOT NULL, -- those not in the set, canonical JSON or empty
        extra          text NOT NULL  -- events, links and what is rare, JSON or empty
    ) PARTITION BY RANGE (arrived_on);
    CREATE STATISTICS plait_store.any_span_trace ON (encode(uuid_send(trace_id), 'hex') COLLATE "C") FROM plait_store.any_span;

    CREATE TABLE plait_store.span PARTITION OF plait_store.any_span
        FOR VALUES FROM (MINVALUE) TO ('0001-01-01') PARTITION BY RANGE (start_time);
    CREATE INDEX span_trace ON plait_store.span ((encode(uuid_send(trace_id), 'hex') COLLATE "C"));
    CREATE INDEX span_error ON plait_store.span (start_time) WHERE status = 2;
    CREATE INDEX span_slow ON plait_store.span (start_time) WHERE duration_ns > 1000000000;
    CREATE INDEX span_time ON plait_store.span USING brin (start_time) WITH (pages_per_range = 32);

    CREATE TABLE plait_store.span_outside PARTITION OF plait_store.any_span
        FOR VALUES FROM ('0001-01-01') TO (MAXVALUE) PARTITION BY RANGE (arrived_on);
    CREATE INDEX span_outside_trace ON plait_store.span_outside ((encode(uuid_send(trace_id), 'hex') COLLATE "C"));
    CREATE INDEX span_outside_time ON plait_store.span_outside (start_time);

    -- What one commit knew of a trace. A trace has as many fragments as commits brought
    -- spans of it; plait.traces adds them up. Trace search reads these and not the spans.
    CREATE TABLE plait_store.any_trace_fragment (
        trace_id       uuid NOT NULL,
        start_time     timestamptz NOT NULL, -- of the earliest span, microseconds
        low_id         int8 NOT NULL,        -- lower half of trace_id, for 64-bit spellings
        duration_ns    int8 NOT NULL,        -- from start_time to the latest end
        root_operation int8 NOT NULL,        -- operation of the span without a parent, 0: not in this commit
        span_count     int4 NOT NULL,
        error_count    int4 NOT NULL,
        arrived_on     date NOT NULL DEFAULT '-infinity', -- of rows outside only
        start_sub_ns   int2 NOT NULL,        -- nanoseconds of the start beyond its microsecond
        services       text[] NOT NULL
    ) PARTITION BY RANGE (arrived_on);
    CREATE STATISTICS plait_store.any_trace_fragment_trace
        ON (encode(uuid_send(trace_id), 'hex') COLLATE "C") FROM plait_store.any_trace_fragment;

    CREATE TABLE plait_store.trace_fragment PARTITION OF plait_store.any_trace_fragment
        FOR VALUES FROM (MINVALUE) TO ('0001-01-01') PARTITION BY RANGE (start_time);
    CREATE INDEX trace_fragment_trace ON plait_store.trace_fragment ((encode(uuid_send(trace_id), 'hex') COLLATE "C"));
    CREATE INDEX trace_fragment_low ON plait_store.trace_fragment (low_id);
    CREATE INDEX trace_fragment_time ON plait_store.trace_fragment (start_time);

    CREATE TABLE plait_store.trace_fragment_outside PARTITION OF plait_store.any_trace_fragment
        FOR VALUES FROM ('0001-01-01') TO (MAXVALUE) PARTITION BY RANGE (arrived_on);
    CREATE INDEX trace_fragment_outside_trace ON plait_store.trace_fragment_outside ((encode(uuid_send(trace_id), 'hex') COLLATE "C"));
    CREATE INDEX trace_fragment_outside_low ON plait_store.trace_fragment_outside (low_id);
    CREATE INDEX trace_fragment_outside_time ON plait_store.trace_fragment_outside (start_time);
END
$$;
