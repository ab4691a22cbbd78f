package metrics

import "testing"

func TestShareOf(t *testing.T) {
	for _, c := range []struct {
		total, idle, gc, gcIdle float64
		share                   float64
		ok                      bool
	}{
		{0, 0, 0, 0, 0, false},           // before the first collection
		{100, 100, 0, 0, 0, false},       // nothing was done
		{100, 50, 5, 0, 0.1, true},       // 5 of 50
		{100, 30, 25, 20, 0.1, true},     // 5 of 50: the rest was done in idle time
		{100, 0, 0, 0, 0, true},          // nothing was collected
		{100, 0, 100, 0, 1, true},        // nothing else was done
		{100, 50, 2, 2.0000001, 0, true}, // sums that are not exact
		{100, 50, 50.1, 0, 1, true},      // the same
	} {
		if share, ok := shareOf(c.total, c.idle, c.gc, c.gcIdle); share != c.share || ok != c.ok {
			t.Errorf("%+v: %v, %v", c, share, ok)
		}
	}
}
