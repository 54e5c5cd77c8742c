package main

import (
	_ "embed"
	"fmt"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/logs"
	"github.com/grafana/grafana-foundation-sdk/go/nodegraph"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var (
	//go:embed sql/trace_tree.sql
	traceTreeSQL string
	//go:embed sql/trace_logs.sql
	traceLogsSQL string
)

// lines is a panel of lines over time with a table of their last values below.
func lines(unit string) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().
		Unit(unit).
		Min(0).
		LineWidth(1).
		FillOpacity(10).
		ShowPoints(common.VisibilityModeAuto).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
}

// latencies is a heatmap of a histogram's buckets, with its exemplars.
func latencies(expr string) *heatmap.PanelBuilder {
	return heatmap.NewPanelBuilder().
		WithTarget(promQL("A", expr, "{{le}}").Exemplar(true).Format(prometheus.PromQueryFormatHeatmap)).
		Unit(units.Seconds).
		Calculate(false).
		Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Spectral").Exponent(0.5).Steps(64)).
		CellGap(1).
		RowsFrame(heatmap.NewRowsHeatmapOptionsBuilder().Layout(common.HeatmapCellLayoutAuto)).
		ExemplarsColor("rgba(255,0,255,0.7)").
		FilterValues(heatmap.NewFilterValueRangeBuilder().Le(1e-9)).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(units.Seconds).AxisPlacement(common.AxisPlacementLeft)).
		Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle).YHistogram(false).ShowColorScale(false)).
		ShowLegend()
}

// levels is a panel of bars over time, stacked, each level of logs in its colour.
func levels() *timeseries.PanelBuilder {
	p := lines(units.Short).
		DrawStyle(common.GraphDrawStyleBars).
		FillOpacity(80).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	for _, one := range levelColor {
		p.OverrideByName(one.level, []dashboard.DynamicConfigValue{set("color", color(one.color))})
	}
	return p
}

// levelColor are the levels and the colours that Grafana's logs have for them.
var levelColor = []struct{ level, color string }{
	{"critical", "purple"}, {"fatal", "purple"}, {"error", "red"}, {"warn", "yellow"}, {"warning", "yellow"}, {"info", "green"}, {"debug", "blue"}, {"trace", "light-blue"}, {"unknown", "#8e8e8e"},
}

// levelColors paints a cell that names a level.
func levelColors() []any {
	options := map[string]any{}
	for i, one := range levelColor {
		options[one.level] = map[string]any{"color": one.color, "index": i, "text": one.level}
	}
	return []any{map[string]any{"type": "value", "options": options}}
}

// steps are thresholds: the colour at first, then values with the colour from there on.
func steps(first string, then ...any) *dashboard.ThresholdsConfigBuilder {
	list := []dashboard.Threshold{{Color: first}}
	for i := 0; i+1 < len(then); i += 2 {
		value, err := strconv.ParseFloat(fmt.Sprint(then[i]), 64)
		if err != nil {
			panic(err)
		}
		list = append(list, dashboard.Threshold{Value: &value, Color: then[i+1].(string)})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(list)
}

// thresholdLine draws thresholds as dashed lines.
func thresholdLine() *common.GraphThresholdsStyleConfigBuilder {
	return common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)
}

// listing is a table of a statement's rows; noValue is what stands in it when there are none.
func listing(statement, noValue string) *table.PanelBuilder {
	return table.NewPanelBuilder().
		WithTarget(sqlTable("A", statement)).
		Unit(units.Short).
		NoValue(noValue).
		ShowHeader(true).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
		CellHeight(common.TableCellHeightSm).
		Filterable(true)
}

// traceTree is a trace as an indented table.
func traceTree(noValue string) *table.PanelBuilder {
	return listing(traceTreeSQL, noValue).
		OverrideByName("span", column("span", 430, set("custom.inspect", true))).
		OverrideByName("when", column("when", 330, set("color", color("blue")), set("custom.cellOptions", map[string]any{"type": "color-text"}))).
		OverrideByName("duration", column("duration", 170, set("unit", units.Milliseconds), set("decimals", 1), set("min", 0),
			set("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}), set("color", color("blue")))).
		OverrideByName("failed", column("failed", 80, failure()...)).
		OverrideByName("kind", column("kind", 90)).
		OverrideByName("logs", column("logs", 70)).
		OverrideByName("start", column("start", 210, set("unit", "dateTimeAsIso"))).
		OverrideByName("span_id", column("span id", 160)).
		OverrideByName("trace_id", []dashboard.DynamicConfigValue{set("custom.hidden", true)})
}

// trace is a trace in Grafana's own view of one, by its 32 digits.
func trace(id string) *dashboard.PanelBuilder {
	return dashboard.NewPanelBuilder().
		Type("traces").
		WithTarget(traceQL("A", id)).
		Unit(units.Short).
		Options(map[string]any{})
}

// logLines are lines of a LogQL query, each with its labels and links when it is opened.
func logLines(expr, noValue string, order common.LogsSortOrder, most int64) *logs.PanelBuilder {
	return lineView(noValue, order).WithTarget(logQL("A", expr, "").MaxLines(most))
}

// traceLogs is what the services on a trace's way logged, oldest first.
func traceLogs(noValue string) *logs.PanelBuilder {
	return lineView(noValue, common.LogsSortOrderAscending).WithTarget(sqlTable("A", traceLogsSQL))
}

func lineView(noValue string, order common.LogsSortOrder) *logs.PanelBuilder {
	return logs.NewPanelBuilder().
		NoValue(noValue).
		Unit(units.Short).
		ShowTime(true).
		ShowLabels(false).
		ShowCommonLabels(false).
		WrapLogMessage(true).
		PrettifyLogMessage(false).
		EnableLogDetails(true).
		DedupStrategy(common.LogsDedupStrategyNone).
		SortOrder(order)
}

// column names a column and gives it a width in pixels.
func column(name string, width int, more ...dashboard.DynamicConfigValue) []dashboard.DynamicConfigValue {
	return append([]dashboard.DynamicConfigValue{set("displayName", name), set("custom.width", width)}, more...)
}

func set(id string, value any) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: id, Value: value}
}

func color(fixed string) map[string]any { return map[string]any{"mode": "fixed", "fixedColor": fixed} }

// failure paints a cell red that says error.
func failure() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		set("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}),
		set("mappings", []any{
			map[string]any{"type": "value", "options": map[string]any{"error": map[string]any{"color": "red", "index": 0, "text": "error"}}},
			map[string]any{"type": "special", "options": map[string]any{"match": "empty", "result": map[string]any{"color": "transparent", "index": 1, "text": ""}}},
		}),
	}
}

// gauge draws a number as a bar beside it.
func gauge() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{set("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}), set("color", color("blue"))}
}

// countOfFailures paints a cell red whose number is above zero.
func countOfFailures() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		set("custom.cellOptions", map[string]any{"type": "color-text"}),
		set("color", map[string]any{"mode": "thresholds"}),
		set("thresholds", map[string]any{"mode": "absolute", "steps": []any{
			map[string]any{"color": "text", "value": nil}, map[string]any{"color": "red", "value": 1},
		}}),
	}
}

// onward is a link in the corner of a panel to a dashboard, for the same time.
func onward(title, uid, query string) []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{dashboard.NewDashboardLinkBuilder(title).
		Type(dashboard.DashboardLinkTypeLink).Url("/d/" + uid + "?${__url_time_range}&" + query)}
}

// link leads a cell to a dashboard, for the same time, in the same window.
func link(title, uid, query string) dashboard.DynamicConfigValue {
	return set("links", []any{map[string]any{"title": title, "url": "/d/" + uid + "?${__url_time_range}&" + query}})
}

// only restricts a transformation to the frames whose refId matches a regular expression.
func only(frames string) *dashboard.MatcherConfig {
	var options any = frames
	return &dashboard.MatcherConfig{Id: "byRefId", Options: options}
}

// joined turns series into a table for each of the two patterns of refIds, a row for each set of
// labels. A column is named by the label stat of its series: renaming columns afterwards would change
// what is shown of them, but not the name that the node graph looks for.
func joined(patterns ...string) []dashboard.DataTransformerConfig {
	list := []dashboard.DataTransformerConfig{{Id: "labelsToFields", Options: map[string]any{"valueLabel": "stat"}}}
	for _, pattern := range patterns {
		list = append(list, dashboard.DataTransformerConfig{Id: "merge", Filter: only(pattern), Options: map[string]any{}})
	}
	return list
}

// arcs gives parts of a node's circle their colours: field, colour, field, colour.
func arcs(fieldsAndColors ...string) (list []cog.Builder[nodegraph.ArcOption]) {
	for i := 0; i+1 < len(fieldsAndColors); i += 2 {
		list = append(list, nodegraph.NewArcOptionBuilder().Field(fieldsAndColors[i]).Color(fieldsAndColors[i+1]))
	}
	return list
}
