package tracetree

import "github.com/plaithq/plait"

// instanceKeys are the resource attributes that tell the instances of a service apart, the
// most telling first.
var instanceKeys = []string{"service.instance.id", "k8s.pod.uid", "k8s.pod.name", "container.id", "host.id", "host.name"}

// Instance tells the processes of services apart: one instance, one clock. Two are compared with ==.
type Instance struct{ service, id string }

// InstanceOf returns the instance that sends with the resource: its service, and the id by which it is told apart,
// empty where the resource has none.
func InstanceOf(r *plait.Resource) Instance {
	in := Instance{service: r.Service()}
	for _, key := range instanceKeys {
		if v, ok := r.Attributes.Get(key); ok {
			in.id = v.Text()
			break
		}
	}
	return in
}

// instances names the service instance of each span by a number.
type instances struct {
	of []int // by place in the sorted spans
	n  int
}

func newInstances(spans []*plait.Span) *instances {
	in := &instances{of: make([]int, len(spans))}
	byResource, byName := map[*plait.Resource]int{}, map[Instance]int{}
	for i, s := range spans {
		number, ok := byResource[s.Resource]
		if !ok {
			name := InstanceOf(s.Resource)
			if number, ok = byName[name]; !ok {
				number = in.n
				byName[name] = number
				in.n++
			}
			byResource[s.Resource] = number
		}
		in.of[i] = number
	}
	return in
}
