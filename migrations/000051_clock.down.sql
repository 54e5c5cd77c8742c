DROP TABLE plait_store.clock;
