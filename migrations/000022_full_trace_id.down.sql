DROP FUNCTION plait.full_trace_id(text);
