-- The public views of metrics. A chunk's samples are unfolded row by row, so a condition on
-- time cannot skip chunks by itself; chunk_start and chunk_end are there for that (docs/metrics.md).
-- Staleness markers (a NaN of their own) are left out.
DO $$
BEGIN
    CREATE VIEW plait.series AS
    SELECT metric, labels, first_used AS first_seen, last_used AS last_seen
    FROM plait_store.series;

    CREATE VIEW plait.samples AS
    SELECT s.metric, s.labels,
           c.start_time + coalesce(v.after, (v.n - 1) * c.step_ms) * interval '1 millisecond' AS time,
           v.value, v.histogram, c.start_time AS chunk_start, c.end_time AS chunk_end,
           (c.end_time AT TIME ZONE interval '0')::date AS day, c.shelf
    FROM plait_store.sample_chunk c
    JOIN plait_store.series s ON s.id = c.series
    CROSS JOIN LATERAL unnest(c.times, c.values, c.histograms) WITH ORDINALITY v(after, value, histogram, n)
    WHERE v.value IS NULL OR v.value <> 'NaN' OR float8send(v.value) <> '\x7ff0000000000002'
    UNION ALL
    SELECT s.metric, s.labels, t.time, v.value, v.histogram, t.time, t.time, t.day, t.day
    FROM plait_store.sample_head h
    CROSS JOIN LATERAL unnest(h.series, h.times, h.values, h.histograms) v(series, millis, value, histogram)
    CROSS JOIN LATERAL (SELECT 'epoch'::timestamptz + v.millis * interval '1 millisecond') at(time)
    CROSS JOIN LATERAL (SELECT at.time, (at.time AT TIME ZONE interval '0')::date) t(time, day)
    JOIN plait_store.series s ON s.id = v.series
    WHERE v.value IS NULL OR v.value <> 'NaN' OR float8send(v.value) <> '\x7ff0000000000002';

    CREATE VIEW plait.exemplars AS
    SELECT s.metric,
           s.labels,
           e.time,
           e.value,
           CASE WHEN e.trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN e.trace_id END AS trace_id,
           CASE WHEN e.span_id <> 0 THEN lpad(to_hex(e.span_id), 16, '0') END AS span_id,
           coalesce(nullif(e.labels, '')::jsonb, '{}') AS exemplar_labels,
           (e.time AT TIME ZONE interval '0')::date AS day,
           CASE WHEN e.trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN encode(uuid_send(e.trace_id), 'hex') END AS trace_id_hex,
           e.shelf
    FROM plait_store.exemplar e
    JOIN plait_store.series s ON s.id = e.series;
END
$$;
