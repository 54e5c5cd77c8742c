-- What bodies have in common that vary too much for a template, with <_> for what varies (docs/decisions/035), and when
-- an entry was first written: -infinity before this was noted down. Gateways of the version before fill neither in.
DO $$
BEGIN
    ALTER TABLE plait_store.log_class ADD COLUMN pattern text NOT NULL DEFAULT '';
    ALTER TABLE plait_store.log_class ADD COLUMN first_seen timestamptz NOT NULL DEFAULT '-infinity';
    ALTER TABLE plait_store.log_class ALTER COLUMN first_seen SET DEFAULT now();
END
$$;
