-- Increments of series lie beside the counts (docs/decisions/041): signal is 3, and level begins with 8, so that gateways of the
-- version before, which merge what has a level below 4, do not take them for spans.
DO $$
BEGIN
    CREATE INDEX tally_unmerged_increments ON plait_store.tally (signal, shelf) WHERE level >= 8 AND level < 12;
END
$$;
