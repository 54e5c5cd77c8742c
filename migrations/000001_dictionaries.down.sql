DROP TABLE plait_store.attribute_set, plait_store.log_class, plait_store.operation, plait_store.scope, plait_store.resource;
