DO $$
BEGIN
    DROP FUNCTION plait_store.trace_id_of_field(text, text);
    DROP FUNCTION plait_store.trace_id_field(text);
    DROP FUNCTION plait_store.trace_ids_by_shape(text, int);
    DROP FUNCTION plait_store.trace_id_from_azure(text);
    DROP FUNCTION plait_store.trace_id_from_google(text);
    DROP FUNCTION plait_store.trace_id_from_uber(text);
    DROP FUNCTION plait_store.trace_id_from_b3(text);
    DROP FUNCTION plait_store.trace_id_from_traceparent(text);
    DROP FUNCTION plait_store.trace_id_from_xray(text);
    DROP FUNCTION plait_store.trace_id_from_decimal(text);
    DROP FUNCTION plait_store.trace_id_from_hex(text, int);
END
$$;
