WITH RECURSIVE spans AS MATERIALIZED (
    -- a span that was sent twice is shown once; at most 2,000 are
    SELECT row_number() OVER (ORDER BY s.start_time, s.start_sub_ns, s.duration_ns DESC, s.span_id) AS n, s.*
    FROM (
        SELECT DISTINCT ON (span_id, kind, service, start_time) span_id, parent_span_id, kind, service, name,
               start_time, start_sub_ns, duration_ns, status, status_message, trace_id_hex
        FROM plait.spans
        WHERE trace_id = plait.trace_id(${trace:sqlstring})
        ORDER BY span_id, kind, service, start_time
        LIMIT 2000
    ) s
),
parents AS MATERIALIZED (
    -- the client's side of a shared id (B3) is above the server's; what is below that id is the server's
    SELECT DISTINCT ON (c.n) c.n, c.parent
    FROM (
        SELECT s.n, p.n AS parent, 0 AS rank
        FROM spans s
        JOIN spans p ON p.span_id = s.span_id AND p.kind IN ('client', 'producer')
        WHERE s.kind IN ('server', 'consumer')
        UNION ALL
        SELECT s.n, p.n, CASE WHEN p.service = s.service THEN 1 ELSE 2 END
        FROM spans s
        JOIN spans p ON p.span_id = s.parent_span_id AND p.n <> s.n
    ) c
    ORDER BY c.n, c.rank, c.parent
),
tree AS (
    SELECT s.n, 0 AS depth, ARRAY[s.n] AS path
    FROM spans s
    LEFT JOIN parents p ON p.n = s.n
    WHERE p.n IS NULL
    UNION ALL
    SELECT p.n, t.depth + 1, t.path || p.n
    FROM tree t
    JOIN parents p ON p.parent = t.n
    WHERE t.depth < 100
),
whole AS (
    SELECT min(start_time) AS start,
           greatest(extract(epoch FROM max(start_time + duration_ns / 1000 * interval '1 microsecond') - min(start_time))::float8, 1e-9) AS seconds
    FROM spans
),
logged AS (
    SELECT span_id, count(*) AS records
    FROM plait.logs
    WHERE trace_id = plait.trace_id(${trace:sqlstring})
    GROUP BY span_id
)
-- spaces that HTML does not fold indent; spans in a ring of parents come last
SELECT repeat(U&'\00A0\00A0\00A0\00A0', least(coalesce(t.depth, 0), 20)::int) || s.service || U&'\00A0\00A0' || s.name AS span,
       repeat('░', bar.head) || repeat('█', bar.length) || repeat('░', 32 - bar.head - bar.length) AS "when",
       s.duration_ns / 1e6::float8 AS duration,
       CASE s.status WHEN 'error' THEN 'error' ELSE '' END AS failed,
       s.status_message AS message,
       s.kind,
       coalesce(l.records, 0) AS logs,
       s.start_time + s.start_sub_ns / 1000 * interval '1 microsecond' AS start,
       s.span_id,
       s.trace_id_hex AS trace_id
FROM spans s
CROSS JOIN whole w
LEFT JOIN tree t ON t.n = s.n
LEFT JOIN logged l ON l.span_id = s.span_id
CROSS JOIN LATERAL (SELECT 32 * extract(epoch FROM s.start_time - w.start)::float8 / w.seconds AS began, 32 * (s.duration_ns / 1e9::float8 / w.seconds) AS lasted) c
CROSS JOIN LATERAL (SELECT least(greatest(floor(c.began), 0), 31)::int AS head) h
CROSS JOIN LATERAL (SELECT h.head, greatest(least(round((c.began + c.lasted)::numeric)::int, 32) - h.head, 1) AS length) bar
ORDER BY t.path NULLS LAST, s.n
