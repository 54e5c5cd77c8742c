-- Dictionaries: what repeats in telemetry, once. Their ids are 64-bit content hashes that
-- gateways compute, so any of them may write an entry without reading one back. last_used
-- is refreshed at most once a day and lets retention remove what no partition can still use.
-- Attributes are canonical JSON text (docs/schema.md): jsonb would lose 1.0 against 1.
DO $$
BEGIN
    CREATE TABLE plait_store.resource (
        id                 int8 PRIMARY KEY,
        service            text NOT NULL,
        attributes         text NOT NULL,
        dropped_attributes int8 NOT NULL,
        schema_url         text NOT NULL,
        last_used          date NOT NULL
    );
    CREATE INDEX resource_service ON plait_store.resource (service);

    CREATE TABLE plait_store.scope (
        id                 int8 PRIMARY KEY,
        name               text NOT NULL,
        version            text NOT NULL,
        attributes         text NOT NULL,
        dropped_attributes int8 NOT NULL,
        schema_url         text NOT NULL,
        last_used          date NOT NULL
    );

    -- What a span does: the same for all spans of one place in a program.
    CREATE TABLE plait_store.operation (
        id        int8 PRIMARY KEY,
        service   text NOT NULL,
        name      text NOT NULL,
        kind      int2 NOT NULL,
        scope     int8 NOT NULL,
        last_used date NOT NULL
    );
    CREATE INDEX operation_service ON plait_store.operation (service, name);

    -- What log records of one statement in a program share.
    CREATE TABLE plait_store.log_class (
        id            int8 PRIMARY KEY,
        severity_text text NOT NULL,
        event_name    text NOT NULL,
        scope         int8 NOT NULL,
        last_used     date NOT NULL
    );

    -- The attributes of a span or log record whose values repeat, taken together.
    CREATE TABLE plait_store.attribute_set (
        id         int8 PRIMARY KEY,
        attributes text NOT NULL,
        last_used  date NOT NULL
    );

    -- When a service's telemetry is from. Gateways write it down some seconds late (store/dictionary/sightings.go).
    CREATE TABLE plait_store.service (
        service    text PRIMARY KEY,
        first_seen timestamptz NOT NULL,
        last_seen  timestamptz NOT NULL,
        last_used  date NOT NULL -- the day of arrival, by which retention removes it
    ) WITH (fillfactor = 50); -- a new version of a row, every few seconds, stays on its page

    -- The secret that goes into the ids of entries (store/dictionary/content_id.go). The first gateway makes it.
    CREATE TABLE plait_store.content_key (
        one bool PRIMARY KEY CHECK (one), -- a single row
        key bytea NOT NULL
    );
END
$$;
