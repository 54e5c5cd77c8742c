DROP TABLE plait_store.any_log;
