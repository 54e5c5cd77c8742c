DO $$
BEGIN
    DROP INDEX IF EXISTS plait_store.span_long;
    DROP INDEX IF EXISTS plait_store.span_outside_long;
END
$$;
