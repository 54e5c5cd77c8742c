DO $$
BEGIN
    DROP VIEW plait.series;
    DROP VIEW plait.services;
    DROP TABLE plait_store.service;
END
$$;
