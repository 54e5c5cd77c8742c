-- Minutes in which a limit of ingest left records out (docs/decisions/048). All gateways of the database add to them.
DO $$
BEGIN
    CREATE TABLE plait_store.limited_minute (
        begins      timestamptz NOT NULL,
        signal      text NOT NULL,   -- traces, logs
        service     text NOT NULL,   -- whose limit it was; empty: that of all together
        came        int8 NOT NULL,   -- records
        sampled_out int8 NOT NULL,   -- those of them that were left out
        least_share float8 NOT NULL, -- the smallest that was kept of those without priority
        PRIMARY KEY (begins, signal, service)
    );
END
$$;
