DO $$
BEGIN
    DROP TABLE plait_store.attribute_key;
END
$$;
