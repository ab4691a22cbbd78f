package sock

import "time"

// Alarm is told when a time of its connection has come.
type Alarm interface {
	// Ring is called from the reaper's goroutine and must not block. It may still
	// be called when the time was removed a moment ago.
	Ring()
}

// SetAlarm says who is told when the time that AlarmIn sets has come. It is called
// before the first AlarmIn.
func (c *Conn) SetAlarm(a Alarm) { c.alarm = a }

// AlarmIn has the alarm rung once, d from now, give or take a Tick; 0 removes what
// was set. It costs one atomic store, and does nothing without a reaper.
func (c *Conn) AlarmIn(d time.Duration) {
	if s := c.watch; s != nil && s.conn.Load() == c {
		within(&s.alarm, s.reaper, d)
	}
}
