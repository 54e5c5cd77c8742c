DO $$
BEGIN
    ALTER TABLE plait_store.exemplar DROP COLUMN derived;
END
$$;
