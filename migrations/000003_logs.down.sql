DROP TABLE plait_store.log;
