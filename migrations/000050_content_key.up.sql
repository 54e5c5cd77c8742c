-- The secret that goes into the ids of dictionary entries (store/content_id.go). The first gateway
-- makes it.
CREATE TABLE plait_store.content_key (
    one bool PRIMARY KEY CHECK (one), -- a single row
    key bytea NOT NULL
);
