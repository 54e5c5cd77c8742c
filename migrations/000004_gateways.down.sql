DROP TABLE plait_store.clock, plait_store.request;
