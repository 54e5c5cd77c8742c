DO $$
BEGIN
    DROP FUNCTION plait.trace_id;
    DROP FUNCTION plait_store.trace_id_readings;
    DROP FUNCTION plait_store.trace_id_in_text;
END
$$;
