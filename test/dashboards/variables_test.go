package dashboards

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait/dashboards"
)

// labelValues is the one function of Prometheus's variables that the dashboards use.
var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// options are what a variable offers: what its query answers.
func (a asker) options(t *testing.T, v view, of variable) (list []string, err error) {
	t.Helper()
	if of.Datasource.Type == dashboards.PostgresType {
		found, err := a.rows(t, v.sql(t, of.query(t)))
		for _, row := range found {
			for _, value := range row {
				list = append(list, fmt.Sprint(value))
			}
		}
		return list, err
	}
	m := labelValues.FindStringSubmatch(of.query(t))
	if m == nil {
		t.Fatalf("nobody taught this test the variable %s: %s", of.Name, of.query(t))
	}
	var body struct{ Data []string }
	err = a.get(t, "/prometheus/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {v.promQL(t, m[1])}, "start": {unix(v.from)}, "end": {unix(v.to)}}, &body)
	return body.Data, err
}

// resolve gives the variables that nobody chose what Grafana gives them: what a dashboard begins with where it is on
// offer, and else the first. All stays as it is, and need not have an option where that is said.
func (a asker) resolve(t *testing.T, v view, mayBeEmpty bool) view {
	t.Helper()
	for _, one := range v.model.Templating.List {
		if one.Type != "query" {
			continue
		}
		var list []string
		chosen := v.values[one.Name]
		await(t, fmt.Sprintf("option of variable %s of %s", one.Name, v.model.File), func() (err error) {
			list, err = a.options(t, v, one)
			switch {
			case err != nil || mayBeEmpty:
			case len(list) == 0:
				err = errEmpty
			case chosen != nil && !slices.Contains(list, chosen[0]):
				err = fmt.Errorf("%s is not offered, only %s", chosen[0], strings.Join(list, ", "))
			}
			return err
		})
		if chosen == nil && !one.IncludeAll && len(list) > 0 {
			v.values[one.Name] = list[:1]
		}
	}
	return v
}

// A variable that follows from another one is no part of an address, where it would go on being what it was.
func TestHiddenVariablesAreNoPartOfAddresses(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		for _, v := range d.Templating.List {
			if hidden := v.Hide == 2; hidden != v.SkipURLSync {
				t.Errorf("%s: variable %s is hidden: %v; left out of addresses: %v", d.File, v.Name, hidden, v.SkipURLSync)
			}
		}
	}
}
