-- Series, samples and exemplars (docs/metrics.md).
--
-- A sample is written twice and no row is ever a single one. Each commit appends its samples
-- to sample_head, one row for all series: that is the durable log. When enough has gathered,
-- a gateway replaces rows of the head by rows of sample_chunk, one for a series and a time
-- span, in one transaction.
DO $$
BEGIN
    -- The dictionary of label sets. The id is a hash of the labels that gateways compute.
    CREATE TABLE plait_store.series (
        id         int8 PRIMARY KEY,
        metric     text NOT NULL,  -- the label __name__
        labels     jsonb NOT NULL, -- all others; every value is a string
        first_used date NOT NULL,
        last_used  date NOT NULL   -- refreshed at most once a day
    );
    CREATE INDEX series_metric ON plait_store.series (metric);
    CREATE INDEX series_labels ON plait_store.series USING gin (labels jsonb_path_ops);

    -- What a metric family means: the latest that anybody told.
    CREATE TABLE plait_store.metric_metadata (
        metric    text PRIMARY KEY,
        type      text NOT NULL, -- as Prometheus spells it
        help      text NOT NULL,
        unit      text NOT NULL,
        last_used date NOT NULL
    );

    -- Samples as they came. A row holds either values or histograms; its arrays run parallel.
    -- xact lets a gateway find the rows that became visible since it last looked.
    CREATE TABLE plait_store.sample_head (
        id         int8 PRIMARY KEY,
        xact       xid8 NOT NULL,
        series     int8[] NOT NULL,
        times      int8[] NOT NULL,  -- milliseconds since the Unix epoch
        starts     int8[] NOT NULL,  -- the same for the counters' start; empty: all unknown
        values     float8[] NOT NULL,
        histograms bytea[] NOT NULL  -- io.prometheus.write.v2.Histogram each
    );
    CREATE INDEX sample_head_xact ON plait_store.sample_head (xact);

    -- Samples of one series within one day, in order of time. The shelf is as that of spans (000002), by the
    -- time of the first sample.
    CREATE TABLE plait_store.sample_chunk (
        series     int8 NOT NULL,
        start_time timestamptz NOT NULL, -- of the first sample
        end_time   timestamptz NOT NULL, -- of the last
        id         int8 NOT NULL,        -- names the chunk in gateways' caches
        step_ms    int4 NOT NULL,        -- between samples, where times is empty
        shelf      date NOT NULL,
        times      int4[] NOT NULL,  -- milliseconds after start_time; empty: every step_ms
        starts     int8[] NOT NULL,  -- runs of (number of samples, start in ms); empty: all unknown
        values     float8[] NOT NULL,
        histograms bytea[] NOT NULL
    ) PARTITION BY RANGE (shelf);
    CREATE INDEX sample_chunk_series ON plait_store.sample_chunk (series, start_time) INCLUDE (end_time, id);

    CREATE TABLE plait_store.exemplar (
        trace_id uuid NOT NULL,        -- all zero: none
        time     timestamptz NOT NULL,
        series   int8 NOT NULL,
        span_id  int8 NOT NULL,        -- 0: none
        value    float8 NOT NULL,
        shelf    date NOT NULL,
        labels   text NOT NULL -- what else it says, a JSON object or empty
    ) PARTITION BY RANGE (shelf);
    CREATE STATISTICS plait_store.exemplar_trace
        ON (CASE WHEN trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN trace_id END) FROM plait_store.exemplar;
    CREATE INDEX exemplar_trace ON plait_store.exemplar
        ((CASE WHEN trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN trace_id END));
    CREATE INDEX exemplar_series ON plait_store.exemplar (series, time);
END
$$;
