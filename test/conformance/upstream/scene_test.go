package upstream_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// set understands one line that sets the scene. known is false for a line that does
// not.
func (s *scene) set(word, rest string) (known bool, err error) {
	number := func() int64 {
		n, e := strconv.ParseInt(rest, 10, 64)
		if err == nil {
			err = e
		}
		return n
	}
	switch word {
	case "endpoints":
		s.endpoints = int(number())
	case "refuse":
		s.refuse = int(number())
	case "hang":
		s.hang = int(number())
	case "maxbody":
		n := number()
		s.option(func(o *model.Options) { o.MaxBodyBytes = n })
	case "retry":
		on, e := conditions(rest)
		err = e
		s.option(func(o *model.Options) { o.Retry.On = on })
	case "tries":
		n := int(number())
		s.option(func(o *model.Options) { o.Retry.Tries = n })
	case "retry-timeout", "request-timeout":
		d, e := time.ParseDuration(rest)
		err = e
		s.option(func(o *model.Options) {
			if word == "retry-timeout" {
				o.Retry.Timeout = d
			} else {
				o.RequestTimeout = d
			}
		})
	case "buffer":
		what, memory, sized := strings.Cut(rest, " ")
		rest = memory
		n := int64(0)
		if sized {
			n = number()
		}
		s.option(func(o *model.Options) { buffer(&o.Buffering, what == "request", n) })
	case "headlimit":
		n := number()
		s.option(func(o *model.Options) { o.Buffering.ResponseHead = n })
	default:
		return false, nil
	}
	return true, err
}

func (s *scene) option(change func(*model.Options)) { s.options = append(s.options, change) }

func buffer(b *model.Buffering, request bool, memory int64) {
	switch {
	case request:
		b.Request = true
		if memory > 0 {
			b.RequestMemory = memory
		}
	default:
		b.Response = true
		if memory > 0 {
			b.ResponseMemory, b.ResponseFile = memory, 0
		}
	}
}

// conditions reads the value of proxy-next-upstream.
func conditions(names string) (on model.RetryOn, err error) {
	if names == "off" {
		return 0, nil
	}
	for name := range strings.FieldsSeq(names) {
		i := slices.Index(model.RetryNames, name)
		if i < 0 {
			return 0, fmt.Errorf("unknown condition %q", name)
		}
		on |= 1 << i
	}
	return on, nil
}
