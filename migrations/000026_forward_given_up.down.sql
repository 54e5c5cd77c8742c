DO $$
BEGIN
    ALTER TABLE plait_store.forward_target DROP COLUMN given_up;
END
$$;
