-- Spans, one row each, in one partition a day. The key of the partitions is the shelf: the day (UTC) on
-- which a span started where that day has a partition; for all others (imports of old data, broken
-- clocks, what an exemplar keeps) the day of arrival, moved out of the calendar by a million days
-- (docs/schema.md). There is a single level of partitions, because Citus distributes no other, and
-- because one root has one set of statistics: over a UNION ALL the planner would guess that a
-- trace has a two-hundredth of all rows.
--
-- Nothing is null and absent text is empty: with a null, a row of more than eight columns
-- grows by eight bytes.
DO $$
BEGIN
    CREATE TABLE plait_store.span (
        trace_id       uuid NOT NULL,
        start_time     timestamptz NOT NULL, -- microseconds; the rest is in start_sub_ns
        span_id        int8 NOT NULL,
        parent_span_id int8 NOT NULL,        -- 0: none
        duration_ns    int8 NOT NULL,        -- negative when the span ends before it starts
        operation      int8 NOT NULL,
        resource       int8 NOT NULL,
        attribute_set  int8 NOT NULL,        -- 0: none
        flags          int4 NOT NULL,        -- OTLP flags, as their 32 bits
        shelf          date NOT NULL,
        start_sub_ns   int2 NOT NULL,        -- 0..999
        status         int2 NOT NULL,        -- 0 unset, 1 ok, 2 error
        attributes     text NOT NULL, -- those not in the set, canonical JSON or empty
        extra          text NOT NULL  -- events, links and what is rare, JSON or empty
    ) PARTITION BY RANGE (shelf);
    CREATE INDEX span_trace ON plait_store.span (trace_id);
    CREATE INDEX span_error ON plait_store.span (start_time) WHERE status = 2;
    CREATE INDEX span_slow ON plait_store.span (start_time) WHERE duration_ns >= 1000000000;
    -- So that spans which began long before a window and ended in it are found.
    CREATE INDEX span_long ON plait_store.span (start_time) WHERE duration_ns > 60000000000;
    CREATE INDEX span_time ON plait_store.span USING brin (start_time) WITH (pages_per_range = 32);

    -- What one commit knew of a trace. A trace has as many fragments as commits brought
    -- spans of it; plait.traces adds them up. Trace search reads these and not the spans.
    CREATE TABLE plait_store.trace_fragment (
        trace_id       uuid NOT NULL,
        start_time     timestamptz NOT NULL, -- of the earliest span, microseconds
        low_id         int8 NOT NULL,        -- lower half of trace_id, for 64-bit spellings
        duration_ns    int8 NOT NULL,        -- from start_time to the latest end
        root_operation int8 NOT NULL,        -- operation of the span without a parent, 0: not in this commit
        span_count     int4 NOT NULL,
        error_count    int4 NOT NULL,
        shelf          date NOT NULL,
        start_sub_ns   int2 NOT NULL,        -- nanoseconds of the start beyond its microsecond
        services       text[] NOT NULL
    ) PARTITION BY RANGE (shelf);
    CREATE INDEX trace_fragment_trace ON plait_store.trace_fragment (trace_id);
    CREATE INDEX trace_fragment_low ON plait_store.trace_fragment (low_id);
    CREATE INDEX trace_fragment_time ON plait_store.trace_fragment (start_time);

    -- The lower halves of trace ids that came alone and whose whole is not known (yet). When spans of
    -- the whole come, the rows get its id, and the entry here goes (store/traceid).
    CREATE TABLE plait_store.half_trace (
        low_id     int8 NOT NULL,
        arrived_on date NOT NULL,
        since      timestamptz NOT NULL, -- when it last came
        PRIMARY KEY (low_id, arrived_on)
    ) PARTITION BY RANGE (arrived_on);
    CREATE INDEX half_trace_since ON plait_store.half_trace USING brin (since) WITH (pages_per_range = 32);
END
$$;
