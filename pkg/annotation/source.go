package annotation

import "github.com/shockwave-ingress/shockwave/pkg/model"

// Source is what sets a setting: a flag, or a part of an object.
type Source struct {
	// What is the name of the part, such as "spec.allocationMode", or that of
	// the flag.
	What string
	// Object has the part. It is zero for a flag.
	Object model.ObjectRef
}

// String is how people are told, such as "spec.allocationMode of ListenerConfig
// edge".
func (s Source) String() string {
	if s.Object == (model.ObjectRef{}) {
		return s.What
	}
	return s.What + " of " + s.Object.String()
}
