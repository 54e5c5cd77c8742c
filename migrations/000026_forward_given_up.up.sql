-- What waits for a target is bounded in bytes: records beyond are given up, and counted.
DO $$
BEGIN
    ALTER TABLE plait_store.forward_target ADD COLUMN given_up int8 NOT NULL DEFAULT 0;
END
$$;
