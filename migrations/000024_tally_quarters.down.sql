DO $$
BEGIN
    ALTER TABLE plait_store.tally DROP COLUMN quarters;
END
$$;
