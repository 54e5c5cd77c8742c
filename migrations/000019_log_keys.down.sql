DO $$
BEGIN
    DELETE FROM plait_store.attribute_key WHERE place IN (4, 5);
END
$$;
