-- What a dashboard's variable asks. Both views read a dictionary and never the telemetry itself.
--
-- Of a service the gateways write down when its telemetry is from, some seconds late (store/sightings.go);
-- the day of last use of its resources, which is known until then, stands in for it.
DO $$
BEGIN
    CREATE TABLE plait_store.service (
        service    text PRIMARY KEY,
        first_seen timestamptz NOT NULL,
        last_seen  timestamptz NOT NULL,
        last_used  date NOT NULL -- the day of arrival, by which retention removes it
    ) WITH (fillfactor = 50); -- a new version of a row, every few seconds, stays on its page

    INSERT INTO plait_store.service (service, first_seen, last_seen, last_used)
    SELECT service, min(last_used), max(last_used), max(last_used)
    FROM plait_store.resource
    GROUP BY service;

    CREATE VIEW plait.services AS
    SELECT service, first_seen, last_seen
    FROM plait_store.service;

    CREATE VIEW plait.series AS
    SELECT metric, labels, first_used AS first_seen, last_used AS last_seen
    FROM plait_store.series;
END
$$;
