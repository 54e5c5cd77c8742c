DROP TABLE plait_store.half_trace;
