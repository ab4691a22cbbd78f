package load

import "testing"

func TestParseHead(t *testing.T) {
	for _, c := range []struct {
		data       string
		head, body int
		ends       bool
		err        error
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 38, 5, false, nil},
		{"HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 12\r\nConnection: close\r\n\r\nabc", 67, 12, true, nil},
		{"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 62, 0, false, nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 0, 0, false, nil},
		{"", 0, 0, false, nil},
		{"HTTP/1.1 200 OK\r\n\r\n", 0, 0, false, errNoLength},
		{"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n", 0, 0, false, errOtherState},
	} {
		head, body, ends, err := ParseHead([]byte(c.data))
		if head != c.head || body != c.body || ends != c.ends || err != c.err {
			t.Errorf("%q: %d, %d, %v, %v; want %d, %d, %v, %v", c.data, head, body, ends, err, c.head, c.body, c.ends, c.err)
		}
	}
}

func TestAnswerWantsItsFields(t *testing.T) {
	a := Answer{Fields: []string{"Content-Type: text/plain", "X-A: b: c"}}
	if err := a.checkHead([]byte("HTTP/1.1 200 OK\r\ncontent-type:  text/plain \r\nx-a: b: c\r\n\r\n")); err != nil {
		t.Error(err)
	}
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A: b: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: B: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
	} {
		if a.checkHead([]byte(head)) == nil {
			t.Errorf("%q was accepted", head)
		}
	}
}
