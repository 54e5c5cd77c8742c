DO $$
BEGIN
    DROP INDEX IF EXISTS plait_store.span_failed;
END
$$;
