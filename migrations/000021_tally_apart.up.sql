-- Log records that LogQL counts apart from others of their minute: those at its very beginning, and those that say themselves
-- what their level is. Null is what a gateway of the version before counted, and all spans.
DO $$
BEGIN
    ALTER TABLE plait_store.tally ADD COLUMN apart bytea;
    ALTER TABLE plait_store.tally ALTER COLUMN apart SET STORAGE EXTERNAL;
END
$$;
