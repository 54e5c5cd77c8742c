-- The keys of attributes by where they stand (docs/decisions/034), for lists that are asked for while somebody types. Of sets that
-- are there already nobody knows whether spans have them: their keys are listed until they would have been seen again.
DO $$
BEGIN
    CREATE TABLE plait_store.attribute_key (
        place     int2 NOT NULL, -- 1 span, 2 event, 3 link
        key       text COLLATE "C" NOT NULL,
        last_used date NOT NULL,
        PRIMARY KEY (place, key)
    );
    INSERT INTO plait_store.attribute_key (place, key, last_used)
    SELECT 1, key, max(last_used)
    FROM plait_store.attribute_set, jsonb_object_keys(attributes::jsonb) AS key
    WHERE octet_length(key) <= 1024
    GROUP BY key
    LIMIT 10000;
END
$$;
