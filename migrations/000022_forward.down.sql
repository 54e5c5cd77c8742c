DO $$
BEGIN
    DROP TABLE plait_store.forward_refusal;
    DROP TABLE plait_store.forward_target;
    DROP TABLE plait_store.outbox_end;
    DROP TABLE plait_store.outbox;
END
$$;
