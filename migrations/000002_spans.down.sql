DROP TABLE plait_store.half_trace, plait_store.trace_fragment, plait_store.span;
