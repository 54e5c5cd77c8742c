-- The lower halves of trace ids that came alone and whose whole is not known (yet). When spans of
-- the whole come, the rows get its id, and the entry here goes (store/half_traces.go).
DO $$
BEGIN
    CREATE TABLE plait_store.half_trace (
        low_id     int8 NOT NULL,
        arrived_on date NOT NULL,
        since      timestamptz NOT NULL, -- when it last came
        PRIMARY KEY (low_id, arrived_on)
    ) PARTITION BY RANGE (arrived_on);
    CREATE INDEX half_trace_since ON plait_store.half_trace USING brin (since) WITH (pages_per_range = 32);
END
$$;
