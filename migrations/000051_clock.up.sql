-- What the clock of the database showed when a gateway last looked, and since when it has passed
-- evenly: after a leap nothing is dropped for a while (store/clock.go).
CREATE TABLE plait_store.clock (
    one          bool PRIMARY KEY CHECK (one), -- a single row
    seen_at      timestamptz NOT NULL,
    steady_since timestamptz NOT NULL          -- -infinity: ever since anybody looked
);
