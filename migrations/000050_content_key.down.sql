DROP TABLE plait_store.content_key;
