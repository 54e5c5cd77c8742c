-- The keys of log records' attributes, too (docs/decisions/039): a search for a label asks which keys read as it. Keys of what is there
-- already nobody knows, which the empty key tells until retention has removed all of it.
DO $$
BEGIN
    INSERT INTO plait_store.attribute_key (place, key, last_used)
    SELECT 4, '', current_date
    WHERE EXISTS (SELECT FROM plait_store.log_class);
END
$$;
