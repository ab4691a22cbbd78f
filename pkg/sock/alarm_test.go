package sock

import (
	"sync/atomic"
	"testing"
	"time"
)

// bell counts how often it rings.
type bell struct{ rung atomic.Int32 }

func (b *bell) Ring() { b.rung.Add(1) }

func TestAlarm(t *testing.T) {
	r := NewReaper()
	c, _ := pair(t, r)
	var b bell
	c.SetAlarm(&b)
	elapsed := time.Duration(0)
	sweep := func() { elapsed += Tick; r.sweep(int64(elapsed)) }
	sweep()

	c.AlarmIn(2 * Tick)
	sweep()
	sweep()
	if n := b.rung.Load(); n != 0 {
		t.Fatalf("rung %d times before the time has come", n)
	}
	for range 3 {
		sweep()
	}
	if n := b.rung.Load(); n != 1 {
		t.Fatalf("rung %d times, want once", n)
	}
	c.AlarmIn(Tick) // again
	c.AlarmIn(0)
	sweep()
	sweep()
	sweep()
	if n := b.rung.Load(); n != 1 {
		t.Fatal("a time that was removed rings")
	}
	c.AlarmIn(Tick)
	_ = c.Close()
	c.AlarmIn(Tick)
	sweep()
	sweep()
	sweep()
	if n := b.rung.Load(); n != 1 {
		t.Fatal("a closed connection rings")
	}

	alone, _ := pair(t, nil)
	alone.SetAlarm(&b)
	alone.AlarmIn(Tick) // does nothing
}

func TestAlarmDoesNotAllocate(t *testing.T) {
	c, _ := pair(t, running(t))
	c.SetAlarm(new(bell))
	if n := testing.AllocsPerRun(100, func() { c.AlarmIn(time.Second); c.AlarmIn(0) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
