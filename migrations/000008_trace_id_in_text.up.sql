-- The rest of plait.trace_id (000007): ids somewhere in a log line, and the functions that users call.
DO $$
BEGIN
    -- The trace of a log line: an id counts where a field's name stands before it, or where its form leaves no
    -- doubt. A 128-bit id wins over a 64-bit one, then the order of ecosystems.
    CREATE FUNCTION plait_store.trace_id_in_text(line text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        IF line !~ '[0-9a-fA-F]{8}' AND line !~ '^\s*\{' THEN
            RETURN NULL;
        END IF;
        RETURN (
            WITH tokens AS ( -- what stands between tokens is in gap
                SELECT n, m[1] AS gap, m[2] AS token,
                       (sum(length(m[1]) + length(m[2])) OVER (ORDER BY n) - length(m[2]))::int AS at,
                       lag(m[2]) OVER (ORDER BY n) AS before, lag(m[1]) OVER (ORDER BY n) AS gap_before, lag(m[2], 2) OVER (ORDER BY n) AS first
                FROM regexp_matches(line, '([^A-Za-z0-9_/|.%@-]*)([A-Za-z0-9_/|.%@-]+)', 'g') WITH ORDINALITY r(m, n)
            ),
            named AS (
                SELECT t.n, t.at, rtrim(t.token, './-_|%@') AS value, f.form, f.rank, t.before
                FROM tokens t
                CROSS JOIN LATERAL (
                    SELECT CASE
                        WHEN t.gap !~ '^[=: \t"''`\\\[(<>]{1,8}$' THEN ''
                        WHEN t.gap_before = ' ' AND (t.before ~* '^id$' OR t.before ~* '^traceid$' AND t.first = 'XRAY') THEN t.first || t.before
                        -- texts out of JSON have white space as an escape
                        WHEN t.gap_before LIKE '%\\' AND t.before ~ '^[tnr]' AND (plait_store.trace_id_field(t.before)).form IS NULL THEN substr(t.before, 2)
                        ELSE right(t.before, 48)
                    END
                ) b(name)
                LEFT JOIN LATERAL plait_store.trace_id_field(b.name) f ON true
                WHERE t.token ~ '[0-9a-fA-F]{8}' OR line ~ '^\s*\{' -- a member of an object is an id however short
            ),
            found AS (
                SELECT n, rank, form, coalesce(
                    -- a header's value has inner punctuation
                    plait_store.trace_id_of_field(form, rtrim(substring(substr(line, at + 1, 256) FROM '^[^ \t\r\n"''`\\,)\]}]*'), ';:')),
                    plait_store.trace_id_of_field(form, value)) AS id
                FROM named
                WHERE form IS NOT NULL
                UNION ALL
                SELECT n, CASE WHEN value LIKE '1-%' THEN 4 WHEN value LIKE '00-%' THEN 1 ELSE 5 END, 'trace', plait_store.trace_id_of_field('trace', value)
                FROM named
                WHERE form IS NULL AND (value LIKE '1-%' AND before IS DISTINCT FROM 'Self' OR value LIKE '00-%' OR value LIKE 'projects/%')
                UNION ALL -- Spring's [app,trace,span] and [trace-span]
                SELECT 0, 2, 'trace', plait_store.trace_id_from_hex(coalesce(
                    substring(line FROM '\[([0-9a-fA-F]{32})-[0-9a-fA-F]{16}\]'),
                    substring(line FROM '\[[^][ ,]{0,48},([0-9a-fA-F]{32}|[0-9a-fA-F]{16}),[0-9a-fA-F]{16}[],]')), 16)
            )
            SELECT coalesce(CASE WHEN f.rank = 10 AND f.id LIKE '0000000000000000%' THEN (
                    SELECT u.id || right(f.id, 16) FROM found u WHERE u.form = 'upper' ORDER BY u.n DESC LIMIT 1) END, f.id)
            FROM found f
            WHERE f.id IS NOT NULL AND f.form <> 'upper'
            ORDER BY f.id LIKE '0000000000000000%', f.rank, f.n
            LIMIT 1
        );
    END
    $f$;

    -- All readings of what a user pasted, the likeliest first, each once.
    CREATE FUNCTION plait_store.trace_id_readings(pasted text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    DECLARE
        around CONSTANT text := E' \t\r\n"''`,;<>()[]'; -- what comes along when an id is copied out of JSON, a log or a table
        value text := btrim(pasted, around);
        named CONSTANT text[] := regexp_match(value, '^([^:=]*)[:=](.*)$');
        form CONSTANT text := (plait_store.trace_id_field(btrim(named[1], around))).form;
        ids text[];
    BEGIN
        IF form IN ('span', 'upper') THEN
            RETURN '{}';
        ELSIF form IS NOT NULL THEN
            value := btrim(named[2], around);
            ids := array_append(ids, plait_store.trace_id_of_field(form, value));
        END IF;
        ids := array_append(ids, plait_store.trace_id_from_hex(substring(value FROM '^0[xX]([0-9a-fA-F]+)$'), 1));
        ids := array_remove(ids || plait_store.trace_ids_by_shape(value, 1), NULL);
        IF ids = '{}' THEN
            RETURN array_remove(ARRAY[plait_store.trace_id_in_text(pasted)], NULL);
        END IF;
        RETURN ARRAY(SELECT u.id FROM unnest(ids) WITH ORDINALITY u(id, n) GROUP BY u.id ORDER BY min(u.n));
    END
    $f$;

    -- Half an id (Datadog's decimals, B3's 16 digits) and digits that can be read in two ways are looked up
    -- among the traces: it is the whole id of one that is here, else the likeliest reading. Stable, so that a
    -- condition with it is answered by the index. It runs as its owner: a reader has no right to plait_store.
    CREATE FUNCTION plait.trace_id(spelling text) RETURNS uuid
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog AS $f$
    DECLARE
        ids text[];
    BEGIN
        IF spelling ~ '^[0-9a-f]{32}$' AND spelling !~ '^0{16}' THEN
            RETURN spelling::uuid;
        END IF;
        ids := plait_store.trace_id_readings(spelling);
        RETURN coalesce((
            SELECT f.trace_id
            FROM unnest(ids) WITH ORDINALITY r(id, n)
            JOIN plait_store.trace_fragment f ON f.low_id = ('x' || right(r.id, 16))::bit(64)::int8
            WHERE r.id ~ '^0{16}'
            ORDER BY r.n, f.trace_id < '00000000-0000-0001-0000-000000000000', f.start_time DESC
            LIMIT 1
        ), ids[1]::uuid);
    END
    $f$;

    COMMENT ON FUNCTION plait.trace_id(text) IS 'The trace id of a text in any spelling; null for what holds none.';
END
$$;
