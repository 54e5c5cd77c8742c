DO $$
BEGIN
    DROP TABLE plait_store.term_segment;
    DROP TABLE plait_store.term_head;
    DROP INDEX plait_store.log_untraced;
    ALTER TABLE plait_store.log_class DROP COLUMN template;
END
$$;
