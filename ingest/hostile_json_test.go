package ingest

import "strings"

func hostileJSON() map[string]hostile {
	const head = `{"resourceSpans":[{"scopeSpans":[{"spans":[`
	deep := func(depth int, array bool) string {
		open, end := `{"arrayValue":{"values":[`, `]}}`
		if !array {
			open, end = `{"kvlistValue":{"values":[{"key":"k","value":`, `}]}}`
		}
		return strings.Repeat(open, depth) + "{}" + strings.Repeat(end, depth)
	}
	attribute := func(value string) string { return `"attributes":[{"key":"deep","value":` + value + `}]` }
	ids := `"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",`
	span := func(fields string) string {
		return head + `{` + ids + `"name":"bad",` + fields + `},{` + ids + `"name":"good"}]}]}]}`
	}
	log := func(fields string) string {
		return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{` + fields + `},{"body":{"stringValue":"good"}}]}]}]}`
	}
	metric := func(data string) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"bad",` + data + `},{"name":"good","gauge":{"dataPoints":[{"timeUnixNano":"1795600800000000000","asInt":1}]}}]}]}]}`
	}
	point := func(fields string) string {
		return metric(`"sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":1795600800000000000,"asInt":1,` + fields + `}]}`)
	}
	zeros := "[" + strings.Repeat("0,", 2_000_000) + "0]"
	unknown := `"what":` + strings.Repeat("[", 2_000_000) + strings.Repeat("]", 2_000_000)
	objects := "[" + strings.Repeat("{},", 2_000_000) + "{}]"
	escapes := `"` + strings.Repeat(`\u0001`, 2_000_000) + `"`
	cases := map[string]hostile{}
	add := func(name, path string, good bool, body string) {
		cases[name] = hostile{path, mediaJSON, []byte(body), good}
	}
	for _, array := range []bool{true, false} {
		name := map[bool]string{true: "arrays", false: "maps"}[array]
		value := deep(250_000, array)
		add(name+" in a span", "/v1/traces", true, span(attribute(value)))
		add(name+" in a log record", "/v1/logs", true, log(`"body":`+value))
		add(name+" in a data point", "/v1/metrics", true, point(attribute(value)))
		add(name+" in an exemplar", "/v1/metrics", true, point(`"exemplars":[{"asInt":1,"filteredA`+attribute(value)[2:]+`}]`))
	}
	add("unknown in a span", "/v1/traces", true, span(unknown))
	add("unknown in a log record", "/v1/logs", true, log(unknown))
	add("unknown in a data point", "/v1/metrics", true, point(unknown))
	add("2 million buckets", "/v1/metrics", true, metric(`"histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":1795600800000000000,"bucketCounts":`+zeros+`}]}`))
	add("2 million native buckets", "/v1/metrics", true, metric(`"exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":1795600800000000000,"positive":{"bucketCounts":`+zeros+`}}]}`))
	add("empty data points", "/v1/metrics", false, metric(`"gauge":{"dataPoints":`+objects+`}`))
	add("empty exemplars", "/v1/metrics", false, point(`"exemplars":`+objects))
	add("empty quantiles", "/v1/metrics", true, metric(`"summary":{"dataPoints":[{"timeUnixNano":1795600800000000000,"quantileValues":`+objects+`}]}`))
	add("empty spans", "/v1/traces", false, head+objects[1:]+"}]}]}")
	add("empty attributes", "/v1/traces", false, span(`"attributes":`+objects))
	add("empty events", "/v1/traces", false, span(`"events":`+objects))
	add("empty links", "/v1/traces", false, span(`"links":`+objects))
	add("empty log records", "/v1/logs", false, `{"resourceLogs":[{"scopeLogs":[{"logRecords":`+objects+`}]}]}`)
	add("empty resources", "/v1/traces", false, `{"resourceSpans":`+objects+`}`)
	add("escapes", "/v1/traces", false, span(`"attributes":[{"key":"k","value":{"arrayValue":{"values":[{"stringValue":`+escapes+`}]}}}]`))
	return cases
}
