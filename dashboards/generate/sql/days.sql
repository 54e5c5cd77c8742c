-- the name of a partition ends in its day
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day,
       sum(pg_total_relation_size(c.oid))::int8 AS bytes,
       sum(pg_total_relation_size(c.oid)) FILTER (WHERE parent.relname LIKE 'span%' OR parent.relname LIKE 'trace%')::int8 AS traces,
       sum(pg_total_relation_size(c.oid)) FILTER (WHERE parent.relname LIKE 'log%')::int8 AS logs,
       sum(pg_total_relation_size(c.oid)) FILTER (WHERE parent.relname LIKE 'sample%' OR parent.relname LIKE 'exemplar%')::int8 AS metrics
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class parent ON parent.oid = i.inhparent AND parent.relkind = 'p'
WHERE n.nspname = 'plait_store' AND c.relname ~ '_[0-9]{8}$'
GROUP BY day
ORDER BY day DESC
