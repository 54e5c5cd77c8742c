package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Fixed uids: links from one dashboard to another, and the exemplar links of the provisioned
// data sources, lead to them.
const (
	pivotUID   = "plait-metric-trace-logs"
	serviceUID = "plait-service"
	healthUID  = "plait-correlation-health"
	logsUID    = "plait-logs-by-trace-id"
	itselfUID  = "plait-itself"
)

// schemaVersion is the newest that Grafana 11 knows; 12 and 13 take it and migrate it by themselves.
const schemaVersion = 39

// page is a dashboard that is being put together, panel after panel, left to right and top to
// bottom on Grafana's grid of 24 columns.
type page struct {
	*dashboard.DashboardBuilder
	source common.DataSourceRef // of the panels that follow
	lastID uint32
}

// newPage starts a dashboard with what all have: an hour up to now, and links to the others.
func newPage(uid, title, description string) *page {
	return &page{DashboardBuilder: dashboard.NewDashboardBuilder(title).
		Uid(uid).
		Description(description).
		Tags([]string{"plait"}).
		Time("now-1h", "now").
		Refresh("1m").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("Plait").
			Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"plait"}).
			Tooltip("The other dashboards of Plait, for the same time and the same trace").
			IncludeVars(true).
			KeepTime(true))}
}

// about is what every panel tells of itself.
type about struct {
	title, description string
	width, height      uint32
}

// put places a panel on the grid, behind the last.
func (p *page) put(a about, builder cog.Builder[dashboard.Panel]) {
	p.lastID++
	p.WithPanel(placed{a, p.lastID, p.source, builder})
}

// placed is a panel with what the page adds.
type placed struct {
	about
	id     uint32
	source common.DataSourceRef
	panel  cog.Builder[dashboard.Panel]
}

// Build returns the panel.
func (p placed) Build() (dashboard.Panel, error) {
	panel, err := p.panel.Build()
	if err != nil {
		return panel, fmt.Errorf("%s: %w", p.title, err)
	}
	panel.Id, panel.Title, panel.Description, panel.Datasource = &p.id, &p.title, &p.description, &p.source
	panel.GridPos = &dashboard.GridPos{W: p.width, H: p.height}
	return panel, nil
}

// Build returns the dashboard.
func (p *page) Build() (dashboard.Dashboard, error) {
	d, err := p.DashboardBuilder.Build()
	d.SchemaVersion = schemaVersion
	for i := range d.Links {
		d.Links[i].Placement = nil // above the panels, where Grafana 11 has links as well
	}
	for i := range d.Annotations.List {
		a := &d.Annotations.List[i]
		a.Placement, a.BuiltIn = nil, nil
	}
	for i := range d.Templating.List {
		v := &d.Templating.List[i]
		v.Auto, v.AutoCount, v.AutoMin = nil, nil, nil // of intervals; @grafana/schema has them nowhere
	}
	return d, err
}
