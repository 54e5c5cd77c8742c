-- Log records, one row each, laid out as spans are (000002). A record without a trace gets a
-- synthetic trace id (000011), whose upper 64 bits are all ones; the views show null,
-- and so does the index, whose expression is the view's column.
DO $$
BEGIN
    CREATE TABLE plait_store.log (
        trace_id       uuid NOT NULL,
        time           timestamptz NOT NULL, -- microseconds; the rest is in sub_ns
        span_id        int8 NOT NULL,        -- 0: none
        observed_after int8 NOT NULL,        -- observed time less time, ns; min int8: unknown
        resource       int8 NOT NULL,
        class          int8 NOT NULL,
        attribute_set  int8 NOT NULL,        -- 0: none
        flags          int4 NOT NULL,        -- OTLP flags, as their 32 bits
        shelf          date NOT NULL,
        sub_ns         int2 NOT NULL,        -- 0..999
        severity       int2 NOT NULL,        -- OTLP severity number, 0: unknown
        body           text NOT NULL, -- text, or canonical JSON when extra says so
        attributes     text NOT NULL, -- those not in the set, canonical JSON or empty
        extra          text NOT NULL  -- what is rare, JSON or empty
    ) PARTITION BY RANGE (shelf);
    CREATE STATISTICS plait_store.log_trace
        ON (CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN trace_id END) FROM plait_store.log;
    CREATE INDEX log_trace ON plait_store.log
        ((CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN trace_id END));
    CREATE INDEX log_error ON plait_store.log (time) WHERE severity >= 17;
    CREATE INDEX log_time ON plait_store.log USING brin (time) WITH (pages_per_range = 32);
END
$$;
