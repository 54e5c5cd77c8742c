-- a signal's tables, by the beginnings of their names
SELECT CASE
           WHEN name ~ '^(term|tally)' THEN 'index and counts'
           WHEN name ~ '^(span|trace|half)' THEN 'traces'
           WHEN name ~ '^log(_[0-9]|_outside|$)' THEN 'logs'
           WHEN name ~ '^(sample|exemplar|series|metric)' THEN 'metrics'
           ELSE 'dictionaries and others'
       END AS signal,
       sum(bytes)::int8 AS bytes,
       count(DISTINCT day) FILTER (WHERE rows > 0) AS days,
       sum(rows)::int8 AS rows
FROM (
    SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes, substring(c.relname FROM '_([0-9]{8})$') AS day, greatest(c.reltuples, 0) AS rows
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'plait_store' AND c.relkind = 'r'
) t
GROUP BY 1
ORDER BY bytes DESC
