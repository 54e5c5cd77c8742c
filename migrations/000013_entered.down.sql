DO $$
BEGIN
    ALTER TABLE plait_store.resource DROP COLUMN entered;
    ALTER TABLE plait_store.scope DROP COLUMN entered;
    ALTER TABLE plait_store.operation DROP COLUMN entered;
    ALTER TABLE plait_store.log_class DROP COLUMN entered;
    ALTER TABLE plait_store.attribute_set DROP COLUMN entered;
END
$$;
