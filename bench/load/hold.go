package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// perSource is how many connections of Hold have the same address: far fewer than
// there are ports, of which some may still be waiting.
const perSource = 5000

// Hold opens connections from several addresses of this machine, one after the other,
// has a request answered on each, and leaves all open and idle while idle runs. Then
// each must answer once more.
func Hold(ctx context.Context, addr string, connections int, request func(connection int) *Request, idle func() error) error {
	conns := make([]*net.TCPConn, 0, connections)
	defer func() {
		for _, c := range conns {
			_ = c.SetLinger(0) // not to leave thousands of them waiting
			c.Close()
		}
	}()
	buf := make([]byte, 64<<10)
	for i := range connections {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i/perSource))}}
		conn, err := d.DialContext(ctx, "tcp4", addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		conns = append(conns, conn.(*net.TCPConn))
		if err := ask(conn, request(i), buf); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	if err := idle(); err != nil {
		return err
	}
	for i, c := range conns {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := ask(c, request(i), buf); err != nil {
			return fmt.Errorf("connection %d, when it had been idle: %w", i, err)
		}
	}
	return nil
}

var errEnds = errors.New("the answer ends the connection")

// ask has one request answered.
func ask(conn net.Conn, r *Request, buf []byte) error {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(r.Bytes); err != nil {
		return err
	}
	c := client{request: r, answers: 1}
	for c.answers > 0 {
		n, err := conn.Read(buf)
		if n == 0 {
			return fmt.Errorf("the connection ended before the answer: %w", err)
		}
		if err := c.feed(buf[:n]); err != nil {
			return err
		}
	}
	if c.ends {
		return errEnds
	}
	return nil
}
