package spans

import (
	"maps"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
)

// knowledge is what the dictionaries tell about the leaves of a condition.
type knowledge struct {
	entries *dictionary.Entries
	// ofOperation and ofResource are the leaves that an operation or a resource decides, each once.
	ofOperation []knownLeaf
	ofResource  []knownLeaf
	byService   map[string][]condition.Tristate // what all resources of a service say about ofResource
}

type knownLeaf struct {
	condition.Leaf
	compiled *condition.Spans
}

func newKnowledge(entries *dictionary.Entries, n condition.Node) *knowledge {
	k := &knowledge{entries: entries}
	met := make(map[condition.Leaf]bool)
	condition.Walk(n, func(n condition.Node) bool {
		l, ok := n.(condition.Leaf)
		if !ok || met[l] || l.Field.Parent {
			return true
		}
		met[l] = true
		compiled, err := condition.CompileSpans(l)
		if err != nil {
			return true
		}
		switch l.Field.Name {
		case condition.Service:
			k.ofOperation = append(k.ofOperation, knownLeaf{l, compiled})
			k.ofResource = append(k.ofResource, knownLeaf{l, compiled})
		case condition.SpanName, condition.SpanKind, condition.ScopeName, condition.ScopeVersion, condition.ScopeAttribute:
			k.ofOperation = append(k.ofOperation, knownLeaf{l, compiled})
		case condition.ResourceAttribute:
			k.ofResource = append(k.ofResource, knownLeaf{l, compiled})
		}
		return true
	})
	k.judgeServices()
	return k
}

// resourceSays are what a resource says about ofResource.
func (k *knowledge) resourceSays(r *plait.Resource) []condition.Tristate {
	view := condition.SpanView{Span: &plait.Span{Resource: r}}
	says := make([]condition.Tristate, len(k.ofResource))
	for i, l := range k.ofResource {
		says[i] = condition.Known(l.compiled.Match(&view))
	}
	return says
}

// judgeServices finds out what all resources of a service say.
func (k *knowledge) judgeServices() {
	if len(k.ofResource) == 0 || !k.entries.Resources.Whole() {
		return
	}
	k.byService = make(map[string][]condition.Tristate)
	for _, r := range k.entries.Resources.All() {
		service, says := dictionary.Clip(r.Service()), k.resourceSays(r)
		before, ok := k.byService[service]
		if !ok {
			k.byService[service] = says
			continue
		}
		for i := range before {
			if before[i] != says[i] {
				before[i] = condition.Unknown
			}
		}
	}
}

// fittingResources lists the resources whose spans may fit, nil where all may.
func (k *knowledge) fittingResources(n condition.Node) []int64 {
	if len(k.ofResource) == 0 || !k.entries.Resources.Whole() {
		return nil
	}
	ids, all := []int64{}, true
	fits := make(map[string]bool)
	for id, r := range k.entries.Resources.All() {
		says := k.resourceSays(r)
		key := keyOf(says)
		may, ok := fits[key]
		if !ok {
			may = condition.Reduce(n, knownOf(k.ofResource, says)) != condition.Const(false)
			fits[key] = may
		}
		if may {
			ids = append(ids, id)
		} else {
			all = false
		}
	}
	if all || len(ids) > maxListed {
		return nil
	}
	return ids
}

// operationGroup are operations of which a condition leaves the same to be compared.
type operationGroup struct {
	remaining  condition.Node
	operations []int64
	all        bool // all that there are, and what nobody knows
	unnamed    bool // spans of some have names of their own
}

// groups puts operations together about which the dictionaries say the same, without those whose spans cannot fit.
// all says that every operation may fit.
func (k *knowledge) groups(n condition.Node) (groups []operationGroup, all bool) {
	if len(k.ofOperation)+len(k.ofResource) == 0 || !k.entries.Operations.Whole() {
		g := operationGroup{remaining: n, all: true, unnamed: true}
		if k.entries.Operations.Whole() {
			for id := range k.entries.Operations.All() {
				g.operations = append(g.operations, id)
			}
		}
		return []operationGroup{g}, true
	}
	leaves := slices.Concat(k.ofOperation, k.ofResource)
	byKey := make(map[string]*operationGroup)
	all = true
	for id, o := range k.entries.Operations.All() {
		says := k.operationSays(o)
		key := keyOf(says)
		g, ok := byKey[key]
		if !ok {
			g = &operationGroup{remaining: condition.Reduce(n, knownOf(leaves, says))}
			byKey[key] = g
		}
		g.operations = append(g.operations, id)
		g.unnamed = g.unnamed || o.Name == ""
		all = all && g.remaining != condition.Const(false)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		if g := byKey[key]; g.remaining != condition.Const(false) {
			groups = append(groups, *g)
		}
	}
	if all && len(groups) == 1 {
		groups[0].all = true
	}
	return groups, all
}

// operationSays is what an operation says about ofOperation, and about ofResource what those of its service do.
func (k *knowledge) operationSays(o dictionary.Operation) []condition.Tristate {
	clipped := len(o.Service) > dictionary.MaxIndexedText-4
	scope, scoped := k.entries.Scopes.Get(o.Scope)
	service := plait.Attributes{{Key: "service.name", Value: plait.StringValue(o.Service)}}
	view := condition.SpanView{Span: &plait.Span{Name: o.Name, Kind: o.Kind, Scope: scope, Resource: &plait.Resource{Attributes: service}}}
	says := make([]condition.Tristate, 0, len(k.ofOperation)+len(k.ofResource))
	for _, l := range k.ofOperation {
		known := condition.Known(l.compiled.Match(&view))
		switch l.Field.Name {
		case condition.Service:
			if clipped {
				known = condition.Unknown
			}
		case condition.SpanName:
			if o.Name == "" {
				known = condition.Unknown // the name may stand in the row
			}
		case condition.ScopeName, condition.ScopeVersion, condition.ScopeAttribute:
			if !scoped {
				known = condition.Unknown
			}
		}
		says = append(says, known)
	}
	if resources, ok := k.byService[o.Service]; ok && !clipped {
		return append(says, resources...)
	}
	return append(says, make([]condition.Tristate, len(k.ofResource))...)
}

func keyOf(says []condition.Tristate) string {
	key := make([]byte, len(says))
	for i, s := range says {
		key[i] = byte(s)
	}
	return string(key)
}

// knownOf tells what is said about leaves. Of one that is there twice, what is known counts.
func knownOf(leaves []knownLeaf, says []condition.Tristate) func(condition.Leaf) condition.Tristate {
	known := make(map[condition.Leaf]condition.Tristate, len(leaves))
	for i, l := range leaves {
		if says[i] != condition.Unknown {
			known[l.Leaf] = says[i]
		}
	}
	return func(l condition.Leaf) condition.Tristate { return known[l] }
}
