-- The samples of a time. A condition on plait.samples.time is compared with every sample that was unfolded, and
-- Postgres infers nothing from it about chunks; this adds what it means for them. It is a query that the planner
-- merges with the one around it, so constants, parameters and now() choose the partitions.
CREATE FUNCTION plait.samples(earliest timestamptz, latest timestamptz) RETURNS SETOF plait.samples
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
    SELECT *
    FROM plait.samples s
    WHERE s.time BETWEEN earliest AND latest
      AND s.chunk_end >= earliest
      AND s.chunk_start <= latest
      -- a chunk lies within a day
      AND (s.shelf BETWEEN (earliest AT TIME ZONE interval '0')::date - 1 AND (latest AT TIME ZONE interval '0')::date OR s.shelf >= '4000-01-01');
END;
