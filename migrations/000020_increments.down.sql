-- The version before neither reads increments nor removes them when their time is over.
DO $$
BEGIN
    DROP INDEX plait_store.tally_unmerged_increments;
    DELETE FROM plait_store.tally WHERE signal = 3;
END
$$;
