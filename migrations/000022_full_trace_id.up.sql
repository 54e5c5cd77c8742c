-- What 64-bit tracers write is the lower half of an id that others may know whole. The API looks for
-- both; in SQL this function tells the whole id of one that comes padded, where a span has it, and
-- returns any other as it is. It reads as its owner, so that the views stay all that a reader is granted.
CREATE FUNCTION plait.full_trace_id(trace_id text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog
RETURN CASE WHEN trace_id ~ '^0{16}[0-9a-f]{16}$' THEN coalesce(
    (SELECT encode(uuid_send(f.trace_id), 'hex')
     FROM plait_store.any_trace_fragment f
     WHERE f.low_id = ('x' || substr(full_trace_id.trace_id, 17))::bit(64)::int8
       AND f.trace_id >= '00000000-0000-0001-0000-000000000000'
     ORDER BY f.start_time DESC
     LIMIT 1), trace_id)
ELSE trace_id END;
