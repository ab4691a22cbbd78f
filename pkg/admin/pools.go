package admin

import (
	"fmt"
	"io"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// writePools writes the pools of upstreams for people.
func writePools(w io.Writer, pools []upstream.Stats) error {
	var b strings.Builder
	for i := range pools {
		u := &pools[i]
		fmt.Fprintf(&b, "%s  exchanges %d  retries %d (%d refused)  overflowed %d  %s\n",
			u.Key, u.Exchanges, u.Retries, u.RetriesRefused, u.Overflowed, countersText(&u.Counters))
		for k := range u.Endpoints {
			e := &u.Endpoints[k]
			fmt.Fprintf(&b, "  %s", e.Addr)
			if e.Pod != "" {
				b.WriteString("  " + e.Pod)
			}
			fmt.Fprintf(&b, "  idle %d  active %d  waiting %d  %s", e.Idle, e.Active, e.Waiting, countersText(&e.Counters))
			if e.Out {
				b.WriteString("  left out: " + e.OutFor)
			}
			if e.Check != "" {
				fmt.Fprintf(&b, "  check: %q", e.Check)
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// countersText tells of connections; of those that were closed, only the reasons that
// there were.
func countersText(c *upstream.Counters) string {
	text := fmt.Sprintf("created %d  reused %d", c.Created, c.Reused)
	if ratio, ok := reuse(c); ok {
		text += fmt.Sprintf(" (%.2f %%)", 100*ratio)
	}
	if c.Queued+c.QueueFull > 0 {
		text += fmt.Sprintf("  queued %d (%d in vain, %d refused)", c.Queued, c.QueueTimeouts, c.QueueFull)
	}
	var closed []string
	for reason, n := range c.Closed {
		if n > 0 {
			closed = append(closed, fmt.Sprintf("%v %d", upstream.Reason(reason), n))
		}
	}
	if len(closed) > 0 {
		text += "  closed: " + strings.Join(closed, ", ")
	}
	return text
}

// reuse is the share of exchanges that used a connection which was there.
func reuse(c *upstream.Counters) (ratio float64, ok bool) {
	all := c.Created - c.Prewarmed + c.Reused
	return float64(c.Reused) / float64(max(all, 1)), all > 0
}

// pool is the pool of one upstream, or endpoint, as JSON has it.
type pool struct {
	Upstream      string            `json:"upstream,omitempty"`
	Endpoint      string            `json:"endpoint,omitempty"`
	Pod           string            `json:"pod,omitempty"`
	Idle          int               `json:"idle"`
	Active        int               `json:"active"`
	Waiting       int               `json:"waiting"`
	Created       uint64            `json:"created"`
	Reused        uint64            `json:"reused"`
	ReuseRatio    float64           `json:"reuseRatio"`
	Failed        uint64            `json:"failed"`
	Prewarmed     uint64            `json:"prewarmed"`
	Queued        uint64            `json:"queued"`
	QueueTimeouts uint64            `json:"queueTimeouts"`
	QueueFull     uint64            `json:"queueFull"`
	Closed        map[string]uint64 `json:"closed"`
	LeftOut       string            `json:"leftOut,omitempty"`
	Check         string            `json:"check,omitempty"`
	Endpoints     []pool            `json:"endpoints,omitempty"`
}

func poolOf(c *upstream.Counters) pool {
	p := pool{
		Created: c.Created, Reused: c.Reused, Failed: c.Failed, Prewarmed: c.Prewarmed,
		Queued: c.Queued, QueueTimeouts: c.QueueTimeouts, QueueFull: c.QueueFull,
		Closed: make(map[string]uint64),
	}
	p.ReuseRatio, _ = reuse(c)
	for reason, n := range c.Closed {
		if n > 0 {
			p.Closed[upstream.Reason(reason).String()] = n
		}
	}
	return p
}

// jsonPools are the pools of upstreams for programs.
func jsonPools(pools []upstream.Stats) []pool {
	list := make([]pool, 0, len(pools))
	for i := range pools {
		u := &pools[i]
		p := poolOf(&u.Counters)
		p.Upstream = u.Key.String()
		for k := range u.Endpoints {
			e := &u.Endpoints[k]
			one := poolOf(&e.Counters)
			one.Endpoint, one.Pod = e.Addr.String(), e.Pod
			one.Idle, one.Active, one.Waiting = e.Idle, e.Active, e.Waiting
			one.LeftOut, one.Check = e.OutFor, e.Check
			p.Idle += e.Idle
			p.Active += e.Active
			p.Waiting += e.Waiting
			p.Endpoints = append(p.Endpoints, one)
		}
		list = append(list, p)
	}
	return list
}
