package load

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// client is one connection after the other.
type client struct {
	fd      int
	index   int
	sends   int // how often it has sent
	request *Request
	unsent  []byte    // of request
	sentAt  time.Time // or should have been sent
	timed   bool      // it was sent in the window
	answers int       // that are still to come
	// What has come of the answer that is next: part of its head, or all but so
	// many bytes of its body.
	part    []byte
	inBody  bool
	left    int
	checked bool // the first answer of the connection was compared
	ends    bool // the connection ends with this answer
	ending  bool // all came, and the end of the connection is next
}

var errUnasked = errors.New("nothing was asked")

// take looks at what comes next in data, a head with what there is of its body,
// or more of that. It returns the length of it, or 0 when there is not enough.
func (c *client) take(data []byte) (n int, err error) {
	want := c.request.want()
	if !c.inBody {
		if c.answers == 0 {
			return 0, errUnasked
		}
		n, c.left, c.ends, err = ParseHead(data)
		if n == 0 || err != nil {
			return 0, err
		}
		if want != nil {
			if c.left != len(want.Body) {
				return 0, fmt.Errorf("its body has %d bytes", c.left)
			}
			if !c.checked {
				if err := want.checkHead(data[:n]); err != nil {
					return 0, err
				}
			}
		}
		c.inBody = true
	}
	body := data[n:min(len(data), n+c.left)]
	if want != nil && !c.checked {
		if from := len(want.Body) - c.left; !bytes.Equal(body, want.Body[from:from+len(body)]) {
			return 0, errBody
		}
	}
	c.left -= len(body)
	return n + len(body), nil
}

func (r *Request) want() *Answer {
	if r == nil {
		return nil
	}
	return r.Want
}

// feed looks at what has come for a client that waits for one answer.
func (c *client) feed(data []byte) error {
	if c.part != nil {
		data = append(c.part, data...)
		c.part = nil
	}
	for len(data) > 0 {
		n, err := c.take(data)
		if err != nil {
			return fmt.Errorf("answer %.300q: %w", data, err)
		}
		if n == 0 {
			c.part = bytes.Clone(data)
			return nil
		}
		data = data[n:]
		if c.inBody && c.left == 0 {
			c.inBody, c.checked = false, true
			c.answers--
		}
	}
	return nil
}
