-- What gateways tell one another.
DO $$
BEGIN
    -- The digests of requests that were committed within the last hour or so: a sender's retry finds its own.
    CREATE TABLE plait_store.request (
        digest  uuid PRIMARY KEY,
        seen_at timestamptz NOT NULL
    );
    CREATE INDEX request_seen ON plait_store.request (seen_at);

    -- What the clock of the database showed when a gateway last looked, and since when it has passed
    -- evenly: after a leap nothing is dropped for a while (store/partition/clock.go).
    CREATE TABLE plait_store.clock (
        one          bool PRIMARY KEY CHECK (one), -- a single row
        seen_at      timestamptz NOT NULL,
        steady_since timestamptz NOT NULL          -- -infinity: ever since anybody looked
    );
END
$$;
