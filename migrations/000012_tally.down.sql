DO $$
BEGIN
    DROP TABLE plait_store.tally;
END
$$;
