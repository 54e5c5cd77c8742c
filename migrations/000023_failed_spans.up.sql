-- Failed spans by time, in the words of the view: the planner does not see that plait.spans' status = 'error' is status = 2, which
-- span_error is for.
--
-- Partitions that have rows keep without it, and leave with their day: to read them would take minutes under a lock. In a Citus
-- cluster that has spans, where the parts of an index cannot be put together by hand, there is none.
DO $$
DECLARE
    child record;
BEGIN
    IF NOT EXISTS (SELECT FROM plait_store.span) THEN
        CREATE INDEX span_failed ON plait_store.span (start_time) WHERE (ARRAY['unset', 'ok', 'error'])[status + 1] = 'error';
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    CREATE INDEX span_failed ON ONLY plait_store.span (start_time) WHERE (ARRAY['unset', 'ok', 'error'])[status + 1] = 'error';
    FOR child IN
        SELECT c.oid::regclass AS name, c.relname || '_failed' AS index
        FROM pg_catalog.pg_inherits i
        JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'plait_store.span'::regclass AND NOT i.inhdetachpending AND pg_catalog.pg_relation_size(c.oid) = 0
    LOOP
        EXECUTE format('CREATE INDEX %I ON %s (start_time) WHERE (ARRAY[''unset'', ''ok'', ''error''])[status + 1] = ''error''', child.index, child.name);
        EXECUTE format('ALTER INDEX plait_store.span_failed ATTACH PARTITION plait_store.%I', child.index);
    END LOOP;
END
$$;
