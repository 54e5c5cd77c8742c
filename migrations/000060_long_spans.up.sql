-- Spans above a minute, so that those that began long before a window and ended in it are found
-- without a look at all others before it. They are few.
DO $$
BEGIN
    CREATE INDEX span_long ON plait_store.span (start_time) WHERE duration_ns > 60000000000;
    CREATE INDEX span_outside_long ON plait_store.span_outside (start_time) WHERE duration_ns > 60000000000;
END
$$;
