DROP TABLE plait_store.content_key, plait_store.service, plait_store.attribute_set, plait_store.log_class,
    plait_store.operation, plait_store.scope, plait_store.resource;
