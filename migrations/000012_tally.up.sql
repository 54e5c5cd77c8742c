-- Spans and log records counted by the minute (docs/decisions/022). A commit leaves a row for each shelf that it
-- writes to; behind it rows are added up. What is counted here is what stands in the tables of rows.
--
-- The ids are random: no sequence hands them out, so any server of a cluster may. Nothing joins this table
-- with others.
DO $$
BEGIN
    CREATE TABLE plait_store.tally (
        id         int8 PRIMARY KEY,
        first_time timestamptz NOT NULL, -- the first of its minutes
        last_time  timestamptz NOT NULL, -- the last one
        made_at    timestamptz NOT NULL,
        shelf      date NOT NULL,        -- of the rows' partition
        cell_count int4 NOT NULL,
        signal     int2 NOT NULL,        -- 1 spans, 2 log records
        level      int2 NOT NULL,        -- how often it was merged; 0: of one commit
        body       bytea NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0.05);
    ALTER TABLE plait_store.tally ALTER COLUMN body SET STORAGE EXTERNAL; -- it is dense
    CREATE INDEX tally_time ON plait_store.tally (last_time);
    CREATE INDEX tally_unmerged ON plait_store.tally (signal, shelf) WHERE level < 4;
END
$$;
