SELECT coalesce(parent.relname, c.relname) AS "table",
       count(*) FILTER (WHERE parent.relname IS NOT NULL) AS partitions,
       sum(pg_total_relation_size(c.oid))::int8 AS bytes,
       sum(pg_indexes_size(c.oid))::int8 AS index_bytes,
       sum(greatest(c.reltuples, 0))::int8 AS rows
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent AND parent.relkind = 'p'
WHERE n.nspname = 'plait_store' AND c.relkind = 'r'
GROUP BY 1
ORDER BY bytes DESC
