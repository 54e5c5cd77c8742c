package pgcopy_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func TestRowsArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.Empty(t))
	exec(t, conn, `CREATE TABLE public.kinds (u uuid, i2 smallint, i4 integer, i8 bigint, f float8, at timestamptz, d date, t text, b bytea, y bool)`)
	var rows pgcopy.Rows
	for i := range 3 { // as one COPY and, after Flush, as another
		rows.Row(10)
		rows.UUID([16]byte{15: byte(i)})
		rows.Int2(math.MinInt16)
		rows.Int4(math.MaxInt32)
		rows.Int8(math.MinInt64)
		rows.Float8(math.Inf(-1))
		rows.Timestamp(1_700_000_000_123_456)
		rows.Date(-1)
		rows.Text("größer")
		begun := rows.Begin()
		rows.Bytes = append(rows.Bytes, 0, 1, 2)
		rows.End(begun)
		rows.Bool(i == 1)
		if i == 1 {
			if err := rows.Flush(t.Context(), conn, `COPY public.kinds FROM STDIN BINARY`); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := rows.Send(t.Context(), conn, `COPY public.kinds FROM STDIN BINARY`); err != nil {
		t.Fatal(err)
	}
	const want = "3 00000000-0000-0000-0000-000000000002 -32768 2147483647 -9223372036854775808 -Infinity 2023-11-14 22:13:20.123456+00 1969-12-31 größer \\x000102 false,true,false"
	var got string
	exec(t, conn, `SET timezone = 'UTC'`)
	if err := conn.QueryRow(t.Context(), `
		SELECT concat_ws(' ', count(*), max(u::text), min(i2), max(i4), min(i8), min(f), max(at), min(d), max(t), max(b::text), string_agg(y::text, ',' ORDER BY u)) FROM public.kinds`).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
}

func TestARefusedRowNamesItsTable(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.Empty(t))
	exec(t, conn, `CREATE TABLE public.narrow (i smallint CHECK (i > 0))`)
	var rows pgcopy.Rows
	rows.Row(1)
	rows.Int2(0)
	err := rows.Send(t.Context(), conn, `COPY public.narrow FROM STDIN BINARY`)
	const want = `copy 1 rows into public.narrow: ERROR: new row for relation "narrow" violates check constraint "narrow_i_check" (SQLSTATE 23514)`
	if fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	exec(t, conn, `SELECT`) // the connection goes on
}
