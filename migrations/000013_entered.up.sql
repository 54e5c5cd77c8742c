-- The transaction that entered an entry. A gateway that has read what was entered by transactions before the
-- oldest running one reads only what came since (store/dictionary/catalog.go).
DO $$
BEGIN
    ALTER TABLE plait_store.resource ADD COLUMN entered xid8 NOT NULL DEFAULT pg_current_xact_id();
    ALTER TABLE plait_store.scope ADD COLUMN entered xid8 NOT NULL DEFAULT pg_current_xact_id();
    ALTER TABLE plait_store.operation ADD COLUMN entered xid8 NOT NULL DEFAULT pg_current_xact_id();
    ALTER TABLE plait_store.log_class ADD COLUMN entered xid8 NOT NULL DEFAULT pg_current_xact_id();
    ALTER TABLE plait_store.attribute_set ADD COLUMN entered xid8 NOT NULL DEFAULT pg_current_xact_id();
    CREATE INDEX resource_entered ON plait_store.resource (entered);
    CREATE INDEX scope_entered ON plait_store.scope (entered);
    CREATE INDEX operation_entered ON plait_store.operation (entered);
    CREATE INDEX log_class_entered ON plait_store.log_class (entered);
    CREATE INDEX attribute_set_entered ON plait_store.attribute_set (entered);
END
$$;
