-- What keeps a trace when its day is thinned (docs/decisions/047).
DO $$
BEGIN
    -- Which exemplars Plait itself derived from spans: these keep no trace. Those that are here already are taken for ones that
    -- came from outside.
    ALTER TABLE plait_store.exemplar ADD COLUMN derived bool NOT NULL DEFAULT false;

    -- Traces that somebody opened, by the lower halves of their ids.
    CREATE TABLE plait_store.opened_trace (
        low_id    int8 PRIMARY KEY,
        opened_on date NOT NULL -- the last time
    );
END
$$;
