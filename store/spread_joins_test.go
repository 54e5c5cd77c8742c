package store_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/plaithq/plait/store/citus"
)

// level is one SELECT, UPDATE or DELETE of a statement: its own words, without those of the subqueries in it.
type level struct {
	words  string
	facts  map[string]string // the columns that its spread tables are spread by, by alias
	around *level            // what it is a subquery of; nil: none, or an arm of a UNION
}

var (
	subquery   = regexp.MustCompile(`^\( ?(select|with|insert|update|delete)\b`)
	tableAlias = regexp.MustCompile(`\b(?:from|join|update|using|,)(?: lateral| only)? ?plait_store\.([a-z_]+)(?: as)?(?: ([a-z_]+))?`)
	arms       = regexp.MustCompile(`\b(?:union all|union|except|intersect)\b`)
	noAlias    = []string{"", "where", "join", "left", "cross", "on", "using", "group", "order", "limit", "set", "union", "returning", "for", "inner", "right"}
)

// levels takes a statement apart. A FROM of the old columns of a row (DISTINCT FROM, extract) names no table of ours.
func levels(sql string, around *level) (all []*level) {
	var own strings.Builder
	var inner []string
	for i := 0; i < len(sql); i++ {
		if subquery.MatchString(sql[i:]) {
			end := i + 1 + closing(sql[i+1:])
			inner = append(inner, sql[i+1:min(end, len(sql))])
			own.WriteString("()")
			i = end
			continue
		}
		own.WriteByte(sql[i])
	}
	last := around
	for _, arm := range arms.Split(own.String(), -1) {
		l := &level{words: arm, facts: make(map[string]string), around: around}
		for _, m := range tableAlias.FindAllStringSubmatch(arm, -1) {
			if key := facts()[m[1]]; key != "" {
				alias := m[2]
				if slices.Contains(noAlias, alias) {
					alias = m[1]
				}
				l.facts[alias] = key
			}
		}
		all = append(all, l)
		last = l
	}
	if len(all) > 1 { // which arm has which subquery is not told apart
		last = around
	}
	for _, sub := range inner {
		all = append(all, levels(sub, last)...)
	}
	return all
}

// seen are the spread tables whose columns a level can name.
func (l *level) seen() map[string]string {
	if l == nil {
		return nil
	}
	all := maps.Clone(l.around.seen())
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, l.facts)
	return all
}

// joined says whether the rows of all spread tables that a level brings together are on one node.
func (l *level) joined() bool {
	together := maps.Clone(l.facts)
	for alias, key := range l.around.seen() {
		if len(l.facts) > 0 && l.facts[alias] == "" && strings.Contains(l.words, " "+alias+".") {
			together[alias] = key
		}
	}
	if len(together) < 2 {
		return true
	}
	reached := slices.Sorted(maps.Keys(together))[:1]
	for found := true; found; {
		found = false
		for alias, key := range together {
			if !slices.Contains(reached, alias) && slices.ContainsFunc(reached, func(r string) bool { return l.equal(alias, key, r, together[r]) }) {
				reached, found = append(reached, alias), true
			}
		}
	}
	return len(reached) == len(together)
}

// equal says whether a level compares the columns that two tables are spread by.
func (l *level) equal(a, keyOfA, b, keyOfB string) bool {
	if keyOfA != keyOfB {
		return false
	}
	if regexp.MustCompile(`\busing \([a-z_, ]*\b` + keyOfA + `\b`).MatchString(l.words) {
		return true
	}
	pair := func(a, b string) bool {
		left := `(?:\b` + a + `\.)`
		if _, unnamed := l.facts[a]; unnamed && len(l.facts) == 1 {
			left += `?` // of the only table here
		}
		return regexp.MustCompile(`(?:^|[ (])` + left + keyOfA + ` = ` + b + `\.` + keyOfA + `\b`).MatchString(l.words)
	}
	return pair(a, b) || pair(b, a) ||
		regexp.MustCompile(`\b`+b+`\.`+keyOfA+` = (?:`+a+`\.)?`+keyOfA+`\b`).MatchString(l.words)
}

// joinsWithoutKey says whether a statement brings spread rows together that may be on different nodes.
func joinsWithoutKey(sql string) bool {
	return slices.ContainsFunc(levels(sql, nil), func(l *level) bool { return !l.joined() })
}

var outerFacts = regexp.MustCompile(`\bfrom plait_store\.([a-z_]+)(?: as)?(?: [a-z_]+)? left join (?:lateral )?plait_store\.([a-z_]+)`)

// dictionaryOutside says whether rows are joined to a dictionary by an outer join that keeps the dictionary's: all of them would be
// fetched from all nodes.
func dictionaryOutside(sql string) bool {
	for _, m := range outerFacts.FindAllStringSubmatch(sql, -1) {
		outer := slices.ContainsFunc(citus.Places(), func(p citus.Place) bool { return p.Table == m[1] && p.Kind == citus.Reference })
		if outer && facts()[m[2]] != "" {
			return true
		}
	}
	return false
}
