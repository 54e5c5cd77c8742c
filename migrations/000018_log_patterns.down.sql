DO $$
BEGIN
    ALTER TABLE plait_store.log_class DROP COLUMN pattern;
    ALTER TABLE plait_store.log_class DROP COLUMN first_seen;
END
$$;
