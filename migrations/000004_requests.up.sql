-- The digests of requests that were committed within the last hour or so: a sender's retry finds its own.
DO $$
BEGIN
    CREATE TABLE plait_store.request (
        digest  uuid PRIMARY KEY,
        seen_at timestamptz NOT NULL
    );
    CREATE INDEX request_seen ON plait_store.request (seen_at);
END
$$;
