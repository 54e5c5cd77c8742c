DO $$
BEGIN
    DROP FUNCTION plait.trace_id(text);
    DROP FUNCTION plait_store.trace_id_readings(text);
    DROP FUNCTION plait_store.trace_id_in_text(text);
END
$$;
