DROP TABLE plait_store.exemplar, plait_store.sample_chunk, plait_store.sample_head, plait_store.metric_metadata, plait_store.series;
