-- Log records counted by the quarter of a minute (docs/decisions/044), as LogQL tells them apart, which column apart did before.
-- Null is what a gateway of the version before counted, and all that is no log record. Column apart is not written any more:
-- null there tells gateways of the version before to read rows.
DO $$
BEGIN
    ALTER TABLE plait_store.tally ADD COLUMN quarters bytea;
    ALTER TABLE plait_store.tally ALTER COLUMN quarters SET STORAGE EXTERNAL;
END
$$;
