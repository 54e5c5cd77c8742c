DROP TABLE plait_store.request;
