package accesslog

import (
	"sync/atomic"
	"time"
)

// timeLocal is nginx's $time_local.
const timeLocal = "02/Jan/2006:15:04:05 -0700"

// stamp is a second with its text.
type stamp struct {
	second int64
	text   string
}

// maxEarlier bounds how far behind the latest second another may be without taking
// its place: exchanges end in any order, but a clock may also be set back.
const maxEarlier = 5

// latest is the latest second that was formatted. It is made anew once a second.
var latest atomic.Pointer[stamp]

// appendTime appends t in local time to the second.
func appendTime(dst []byte, t time.Time) []byte {
	second := t.Unix()
	s := latest.Load()
	if s != nil && s.second == second {
		return append(dst, s.text...)
	}
	if s != nil && s.second > second && s.second-second < maxEarlier {
		return t.Local().AppendFormat(dst, timeLocal)
	}
	s = &stamp{second: second, text: t.Local().Format(timeLocal)}
	latest.Store(s)
	return append(dst, s.text...)
}
