package downstream

import (
	"sync/atomic"
	"time"
)

// dateCache holds the Date field line of the current second, so that it is
// formatted once a second and not once a response.
type dateCache struct {
	line atomic.Pointer[dateLine]
}

type dateLine struct {
	second int64
	bytes  []byte // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
}

// dateFormat is IMF-fixdate (RFC 9110, section 5.6.7).
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// field returns the field line for now (RFC 9110, section 6.6.1). The bytes are
// shared and stay as they are.
func (d *dateCache) field(now time.Time) []byte {
	second := now.Unix()
	l := d.line.Load()
	// One second ahead: another connection's clock reading is a little newer.
	if l != nil && (l.second == second || l.second == second+1) {
		return l.bytes
	}
	b := append(make([]byte, 0, 40), "Date: "...)
	b = now.UTC().AppendFormat(b, dateFormat)
	b = append(b, '\r', '\n')
	d.line.Store(&dateLine{second: second, bytes: b})
	return b
}
