DROP TABLE plait_store.any_trace_fragment, plait_store.any_span;
