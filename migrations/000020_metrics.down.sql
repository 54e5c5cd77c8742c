DROP TABLE plait_store.series, plait_store.metric_metadata, plait_store.sample_head, plait_store.sample_chunk,
    plait_store.sample_chunk_outside, plait_store.any_exemplar;
