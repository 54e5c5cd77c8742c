DO $$
BEGIN
    DROP TABLE plait_store.limited_minute;
END
$$;
