DO $$
BEGIN
    DROP FUNCTION plait_store.trace_id_of_field;
    DROP FUNCTION plait_store.trace_id_field;
    DROP FUNCTION plait_store.trace_ids_by_shape;
    DROP FUNCTION plait_store.trace_id_from_azure;
    DROP FUNCTION plait_store.trace_id_from_google;
    DROP FUNCTION plait_store.trace_id_from_uber;
    DROP FUNCTION plait_store.trace_id_from_b3;
    DROP FUNCTION plait_store.trace_id_from_traceparent;
    DROP FUNCTION plait_store.trace_id_from_xray;
    DROP FUNCTION plait_store.trace_id_from_decimal;
    DROP FUNCTION plait_store.trace_id_from_hex;
END
$$;
