DO $$
BEGIN
    DROP TABLE plait_store.opened_trace;
    ALTER TABLE plait_store.exemplar DROP COLUMN derived;
END
$$;
