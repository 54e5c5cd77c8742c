-- plait.trace_id reads a trace id in any spelling, as tracecontext does for the API: a test
-- holds both to one table of cases. PL/pgSQL, because a function in SQL that calls others plans them at every call:
-- 3 ms where this takes a tenth.
DO $$
BEGIN
    -- Hexadecimal digits of any case, whose leading zeros may be missing, behind 0x or not. Behind 0x an
    -- address of 12 digits may stand, so where a minimum is asked for it is 14 there.
    CREATE FUNCTION plait_store.trace_id_from_hex(digits text, min_digits int) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    DECLARE
        part CONSTANT text[] := regexp_match(digits, '^(0[xX])?([0-9a-fA-F]{1,32})$');
    BEGIN
        RETURN CASE WHEN length(part[2]) >= CASE WHEN part[1] IS NULL THEN min_digits ELSE greatest(min_digits, 14) END
            THEN nullif(lpad(lower(part[2]), 32, '0'), repeat('0', 32)) END;
    END
    $f$;

    -- A 64-bit number, which languages without unsigned integers print as a negative one.
    CREATE FUNCTION plait_store.trace_id_from_decimal(digits text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    DECLARE
        low CONSTANT numeric := CASE WHEN digits ~ '^([0-9]{1,20}|-0*[0-9]{1,19})$' THEN digits::numeric END;
    BEGIN
        RETURN CASE WHEN low <> 0 AND low BETWEEN -9223372036854775808 AND 18446744073709551615
            THEN lpad(to_hex((CASE WHEN low >= 9223372036854775808 THEN low - 18446744073709551616 ELSE low END)::int8), 32, '0') END;
    END
    $f$;

    -- AWS X-Ray: parts in any order, of which Root, or one without a name, is the trace.
    CREATE FUNCTION plait_store.trace_id_from_xray(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN CASE WHEN header LIKE '%1-%' THEN (
            SELECT CASE WHEN count(*) = count(r.id) THEN (array_agg(r.id ORDER BY p.n DESC))[1] END
            FROM string_to_table(header, ';') WITH ORDINALITY p(part, n)
            CROSS JOIN LATERAL regexp_match(btrim(p.part, E' \t\r\n'), '^(?:[Rr][Oo][Oo][Tt]=)?([^=@]*)(?:@.*)?$') m(v)
            CROSS JOIN LATERAL (
                SELECT plait_store.trace_id_from_hex(replace(substring(m.v[1] FROM '^1-([0-9a-fA-F]{8}-[0-9a-fA-F]{24})$'), '-', ''), 32)
            ) r(id)
            WHERE m.v IS NOT NULL
        ) END;
    END
    $f$;

    -- W3C; versions above 00 may have more fields, and ff is none.
    CREATE FUNCTION plait_store.trace_id_from_traceparent(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN plait_store.trace_id_from_hex(substring(header FROM
            '^(?!ff|FF|fF|Ff)(?!00.{53}-)[0-9a-fA-F]{2}-(.{32})-.{16}-[0-9a-fA-F]{2}(?:-.*)?$'), 32);
    END
    $f$;

    -- B3 in one header, and sentry-trace: trace-span, sampled or not, parent.
    CREATE FUNCTION plait_store.trace_id_from_b3(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN plait_store.trace_id_from_hex(substring(header FROM
            '^([0-9a-fA-F]{32}|[0-9a-fA-F]{16})-(?!0{16})[0-9a-fA-F]{16}(?:-[01d](?:-(?:0[xX])?(?!0{16})[0-9a-fA-F]{16})?)?$'), 16);
    END
    $f$;

    -- Jaeger, URL-encoded or not.
    CREATE FUNCTION plait_store.trace_id_from_uber(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN plait_store.trace_id_from_hex(
            substring(replace(replace(header, '%3A', ':'), '%3a', ':') FROM '^([^:]*):[^:]*:[^:]*:0*[0-9a-fA-F]{1,2}$'), 1);
    END
    $f$;

    -- Google Cloud: a resource's name, or TRACE/SPAN;o=1.
    CREATE FUNCTION plait_store.trace_id_from_google(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN plait_store.trace_id_from_hex(coalesce(
            substring(header FROM '^projects/.*/traces/(.*)$'),
            substring(header FROM '^([^/;]*)(?:/(?:-?[0-9]{1,20})?)?(?:;o=[0-3])?$')), 32);
    END
    $f$;

    -- Azure: |trace.span. and whatever follows.
    CREATE FUNCTION plait_store.trace_id_from_azure(header text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN plait_store.trace_id_from_hex(substring(header FROM '^\|([^.]*)(?:\..*)?$'), 32);
    END
    $f$;

    -- Every plausible reading of a text that one ecosystem could have written, the likeliest first.
    CREATE FUNCTION plait_store.trace_ids_by_shape(value text, min_digits int) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN array_remove(ARRAY[
            plait_store.trace_id_from_traceparent(value),
            plait_store.trace_id_from_xray(value),
            plait_store.trace_id_from_google(value),
            plait_store.trace_id_from_azure(value),
            CASE WHEN length(value) >= 17 THEN plait_store.trace_id_from_uber(value) END, -- shorter it is a time of day
            plait_store.trace_id_from_b3(value),
            -- a UUID
            plait_store.trace_id_from_hex(replace(substring(value FROM
                '^(?:[uU][rR][nN]:[uU][uU][iI][dD]:)?\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?$'), '-', ''), 32),
            -- digits: hexadecimal where some are letters, at exactly 16, and where there are too many for 64 bits; else decimal first
            CASE WHEN value !~ '^[0-9]{1,20}$' OR length(value) = 16 THEN plait_store.trace_id_from_hex(value, min_digits) END,
            CASE WHEN length(value) >= min_digits THEN plait_store.trace_id_from_decimal(value) END,
            plait_store.trace_id_from_hex(value, min_digits),
            -- base64, as protobuf's own JSON writes 16 or 8 bytes
            CASE WHEN value ~ '^([A-Za-z0-9+/]{22}==|[A-Za-z0-9_-]{22}==|[A-Za-z0-9+/]{11}=|[A-Za-z0-9_-]{11}=)$'
                THEN nullif(lpad(encode(decode(translate(value, '-_', '+/'), 'base64'), 'hex'), 32, '0'), repeat('0', 32)) END
        ], NULL);
    END
    $f$;

    -- What a name of a header or log field says of the value behind it: how that is read ('span' where it is
    -- no trace's), and its ecosystem's rank of trust. Only letters, digits and @ count in a name; where the
    -- whole of it is nobody's, the end behind a dot is looked at, as in mdc.traceId.
    CREATE FUNCTION plait_store.trace_id_field(name text, OUT form text, OUT rank int)
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        IF length(name) > 96 OR name !~ '[A-Za-z0-9]$' THEN
            RETURN;
        END IF;
        SELECT f.form, f.rank INTO form, rank
        FROM (SELECT string_to_array(name, '.')) p(parts)
        CROSS JOIN generate_series(1, cardinality(p.parts)) i
        JOIN (VALUES
            ('traceparent', 'traceparent', 1, false, false), ('traceid', 'trace', 1, true, false), ('oteltraceid', 'trace', 1, false, false),
            ('@tr', 'trace', 1, false, false), ('spanid', 'span', 1, true, false), ('otelspanid', 'span', 1, false, false), ('@sp', 'span', 1, false, false),
            ('xb3traceid', 'trace', 2, false, false), ('b3', 'b3', 2, false, false), ('sentrytrace', 'b3', 2, false, false),
            ('xb3spanid', 'span', 2, false, false),
            ('ubertraceid', 'uber', 3, false, false),
            ('xamzntraceid', 'xray', 4, false, false), ('awsxraytraceid', 'xray', 4, false, false), ('xraytraceid', 'trace', 4, false, false),
            ('root', 'xray', 4, false, false), ('segmentid', 'span', 4, false, true),
            ('xcloudtracecontext', 'google', 5, false, false), ('logginggoogleapiscomtrace', 'trace', 5, true, false),
            ('trace', 'google', 5, false, false), ('logginggoogleapiscomspanid', 'span', 5, true, false),
            ('operationid', 'operation', 6, false, false), ('requestid', 'azure', 6, false, false),
            ('operationparentid', 'span', 6, false, false), ('parentid', 'span', 6, false, true),
            ('transactionid', 'span', 7, true, false),
            ('tracetraceid', 'trace', 8, true, false), ('tracespanid', 'span', 8, true, false),
            ('dttraceid', 'trace', 9, true, false), ('dtspanid', 'span', 9, true, false),
            ('ddtraceid', 'datadog', 10, true, false), ('xdatadogtraceid', 'datadog', 10, false, false),
            ('ddptid', 'upper', 10, true, false), ('ddspanid', 'span', 10, true, false), ('xdatadogparentid', 'span', 10, false, false)
        ) f (folded, form, rank, dotted, beside)
            ON f.folded = lower(regexp_replace(array_to_string(p.parts[i:], ''), '[^A-Za-z0-9@]', '', 'g'))
        WHERE i = 1 OR NOT f.beside AND (f.dotted OR i = cardinality(p.parts)) AND NOT EXISTS (
            SELECT FROM unnest(p.parts[:i - 1]) o(part)
            WHERE lower(regexp_replace(o.part, '[^A-Za-z0-9@]', '', 'g')) IN
                ('parent', 'link', 'links', 'linked', 'previous', 'prev', 'exemplar', 'exemplars', 'upstream', 'remote'))
        ORDER BY i
        LIMIT 1;
    END
    $f$;

    -- The value of a field, read in the field's form only.
    CREATE FUNCTION plait_store.trace_id_of_field(form text, value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    BEGIN
        RETURN CASE form
            WHEN 'trace' THEN (plait_store.trace_ids_by_shape(value, 12))[1]
            WHEN 'traceparent' THEN plait_store.trace_id_from_traceparent(value)
            WHEN 'b3' THEN plait_store.trace_id_from_b3(value)
            WHEN 'uber' THEN plait_store.trace_id_from_uber(value)
            WHEN 'xray' THEN plait_store.trace_id_from_xray(value)
            WHEN 'google' THEN plait_store.trace_id_from_google(value)
            WHEN 'azure' THEN plait_store.trace_id_from_azure(value)
            WHEN 'operation' THEN coalesce(plait_store.trace_id_from_azure(value), plait_store.trace_id_from_hex(value, 32))
            WHEN 'datadog' THEN coalesce(
                plait_store.trace_id_from_decimal(value),
                CASE WHEN value ~ '^(0[xX])?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})$' THEN plait_store.trace_id_from_hex(value, 16) END)
            WHEN 'upper' THEN right(plait_store.trace_id_from_hex(substring(value FROM '^(?:0[xX])?([0-9a-fA-F]{16})$'), 16), 16)
        END;
    END
    $f$;
END
$$;
