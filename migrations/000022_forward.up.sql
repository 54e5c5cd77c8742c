-- What goes on to other systems (docs/decisions/043). While there is a target for a signal, a commit leaves its records in the
-- outbox too, in its own transaction. Behind the commits rows are numbered by one gateway at a time, so that a number is never given
-- below one that can be read already: a target's cursor is a number, and passes over nothing that commits late.
DO $$
BEGIN
    CREATE TABLE plait_store.outbox (
        id           int8 PRIMARY KEY,
        position     int8 NOT NULL,        -- its number within the signal, 0: not numbered yet
        total        int8 NOT NULL,        -- the records of the signal up to and with this row, once it is numbered
        made_at      timestamptz NOT NULL,
        record_count int4 NOT NULL,
        byte_count   int4 NOT NULL,        -- about how much memory its records take
        signal       int2 NOT NULL,        -- 1 spans, 2 log records, 3 samples
        body         bytea NOT NULL        -- the records, as the gateway encodes and compresses them
    ) WITH (autovacuum_vacuum_scale_factor = 0.05);
    ALTER TABLE plait_store.outbox ALTER COLUMN body SET STORAGE EXTERNAL; -- it is dense
    CREATE INDEX outbox_position ON plait_store.outbox (signal, position);

    -- How far the rows of a signal are numbered. Whoever numbers them holds a lock on its row.
    CREATE TABLE plait_store.outbox_end (
        signal   int2 PRIMARY KEY,
        position int8 NOT NULL,
        total    int8 NOT NULL
    );
    INSERT INTO plait_store.outbox_end (signal, position, total) VALUES (1, 0, 0), (2, 0, 0), (3, 0, 0);

    -- A target of a signal with its cursor.
    CREATE TABLE plait_store.forward_target (
        target       text NOT NULL,
        signal       int2 NOT NULL,
        position     int8 NOT NULL,        -- of the last row that is done with
        total        int8 NOT NULL,        -- the records up to and with that row
        sending      int8 NOT NULL,        -- of the last row of the batch that is on its way, which is made again after a crash
        sent         int8 NOT NULL,        -- records that the target took
        left_out     int8 NOT NULL,        -- that its filter left out
        refused      int8 NOT NULL,        -- that it refused
        expired      int8 NOT NULL,        -- that retention removed before they were sent
        holder       uuid NOT NULL,        -- the gateway that sends
        held_until   timestamptz NOT NULL, -- by the database's clock
        seen_at      timestamptz NOT NULL, -- when a gateway last had it in its settings
        failing_from timestamptz NOT NULL, -- since when nothing is taken; infinity: it works
        failure      text NOT NULL,        -- what it last said against a request, or empty
        PRIMARY KEY (target, signal)
    ) WITH (fillfactor = 50);

    -- Records that a target refused, with what it said.
    CREATE TABLE plait_store.forward_refusal (
        id           int8 PRIMARY KEY,
        refused_at   timestamptz NOT NULL,
        record_count int4 NOT NULL,
        signal       int2 NOT NULL,
        target       text NOT NULL,
        reason       text NOT NULL,
        body         bytea NOT NULL        -- as that of the outbox
    );
    ALTER TABLE plait_store.forward_refusal ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE INDEX forward_refusal_target ON plait_store.forward_refusal (target, signal, refused_at);
END
$$;
