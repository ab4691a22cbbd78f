package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// The backend answers with as many bytes as the target says. Three targets are for
// the comparison itself: echoTarget answers with the head that was received, sumTarget
// with the length and a sum of the body, and statsTarget with what was counted.
const (
	sizeTarget  = "/size/" // and a number
	echoTarget  = "/-echo"
	sumTarget   = "/-sum"
	statsTarget = "/-stats"
)

// largestAnswer bounds what a target may ask for.
const largestAnswer = 64 << 20

// bodyOf is a body of so many bytes, the same for all and without a pattern, so that
// a byte that is missing or displaced is seen.
func bodyOf(size int) []byte {
	body := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(body) // it never fails
	return body
}

// sumOf is what sumTarget answers.
func sumOf(length int, sum uint64) string { return fmt.Sprintf("%d %016x", length, sum) }

func answer(body []byte) []byte {
	head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", len(body))
	return append(head, body...)
}

// backendStats is what the backend has counted since it started.
type backendStats struct{ connections, requests int }

func (s backendStats) String() string { return fmt.Sprintf("%d %d", s.connections, s.requests) }

// backendRole serves until the process is ended.
func backendRole([]string) error {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	load.Announce(ln.Addr())
	return serveBackend(ln.(*net.TCPListener), nil)
}

// backend is a server on one thread that does as little as it can, so that it
// is never what limits a proxy.
type backend struct {
	epoll    int
	listener int
	stats    backendStats
	conns    map[int]*backendConn
	answers  map[int][]byte // by the size of the body
	buf      [256 << 10]byte
}

// backendConn is a connection of the backend.
type backendConn struct {
	fd     int
	head   []byte // that has come in part
	left   int    // of a request's body, which is thrown away
	sum    bool   // the body is summed up instead
	length int
	hash   uint64
	answer []byte // follows when the body has come
	unsent []byte
}

// serveBackend serves until stop, which may be nil, is closed.
func serveBackend(ln *net.TCPListener, stop <-chan struct{}) error {
	file, err := ln.File() // as a blocking descriptor of its own
	if err != nil {
		return err
	}
	defer file.Close()
	ln.Close()
	b := &backend{listener: int(file.Fd()), conns: map[int]*backendConn{}, answers: map[int][]byte{}}
	if err := unix.SetNonblock(b.listener, true); err != nil {
		return err
	}
	if b.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(b.epoll)
	if err := b.watch(unix.EPOLL_CTL_ADD, b.listener, unix.EPOLLIN); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 128)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		n, err := unix.EpollWait(b.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if fd := int(e.Fd); fd == b.listener {
				b.accept()
			} else if c := b.conns[fd]; !b.serve(c) {
				delete(b.conns, fd)
				unix.Close(fd)
			}
		}
	}
}

func (b *backend) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(b.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

func (b *backend) accept() {
	fd, _, err := unix.Accept4(b.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	b.stats.connections++
	if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil || b.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
		unix.Close(fd)
		return
	}
	b.conns[fd] = &backendConn{fd: fd}
}

// serve sends what there is to send, or else reads what there is and answers each
// whole request. It tells whether the connection goes on.
func (b *backend) serve(c *backendConn) bool {
	if len(c.unsent) > 0 {
		return b.flush(c)
	}
	n, err := b.read(c)
	if err == unix.EAGAIN || err == unix.EINTR {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	data := b.buf[:n]
	if c.head != nil {
		data = append(c.head, data...)
		c.head = nil
	}
	for len(data) > 0 {
		if c.left == 0 {
			end := bytes.Index(data, []byte("\r\n\r\n"))
			if end < 0 {
				c.head = bytes.Clone(data)
				return len(data) <= 64<<10
			}
			if !b.begin(c, data[:end+4]) {
				return false
			}
			data = data[end+4:]
		}
		part := data[:min(len(data), c.left)]
		data = data[len(part):]
		if c.left -= len(part); c.sum {
			c.add(part)
		}
		if c.left == 0 && !b.end(c) {
			return false
		}
	}
	return true
}

// read reads from a connection, or throws away more of a body.
func (b *backend) read(c *backendConn) (n int, err error) {
	if c.left == 0 || c.sum {
		return unix.Read(c.fd, b.buf[:])
	}
	// tcp(7): with MSG_TRUNC the bytes are discarded.
	n, _, err = unix.Recvfrom(c.fd, b.buf[:min(len(b.buf), c.left)], unix.MSG_TRUNC)
	return n, err
}

// begin takes a head. It fails for one that the backend cannot answer.
func (b *backend) begin(c *backendConn, head []byte) bool {
	method, rest, _ := bytes.Cut(head, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	target, _, _ = bytes.Cut(target, []byte("?"))
	c.left, c.sum, c.answer = 0, false, nil
	if string(method) != "GET" {
		var ok bool
		if c.left, ok = load.ContentLength(head); !ok {
			return false
		}
	}
	switch {
	case bytes.HasPrefix(target, []byte(sizeTarget)):
		b.stats.requests++
		c.answer = b.sized(target[len(sizeTarget):])
		return c.answer != nil
	case string(target) == echoTarget:
		c.answer = answer(head)
	case string(target) == statsTarget:
		b.stats.connections-- // the one that asks
		c.answer = answer([]byte(b.stats.String()))
	case string(target) == sumTarget:
		c.sum, c.length, c.hash = true, 0, fnvOffset
	default:
		return false
	}
	return true
}

// sized is the answer with a body of that size, or nil.
func (b *backend) sized(digits []byte) []byte {
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' || n > largestAnswer {
			return nil
		}
		n = 10*n + int(d-'0')
	}
	if n > largestAnswer {
		return nil
	}
	if b.answers[n] == nil {
		b.answers[n] = answer(bodyOf(n))
	}
	return b.answers[n]
}

// fnvOffset is the sum of nothing.
const fnvOffset uint64 = 14695981039346656037

// add adds to the sum of a body: FNV-1a.
func (c *backendConn) add(part []byte) {
	c.length += len(part)
	c.hash = sum(c.hash, part)
}

func sum(hash uint64, part []byte) uint64 {
	for _, x := range part {
		hash = (hash ^ uint64(x)) * 1099511628211
	}
	return hash
}

// end answers a request whose body has come.
func (b *backend) end(c *backendConn) bool {
	if c.sum {
		c.answer, c.sum = answer([]byte(sumOf(c.length, c.hash))), false
	}
	if len(c.unsent) > 0 { // to a request sent before it had the last answer
		c.unsent = append(bytes.Clone(c.unsent), c.answer...)
		return len(c.unsent) <= largestAnswer
	}
	n, err := unix.Write(c.fd, c.answer)
	if err != nil && err != unix.EAGAIN {
		return false
	}
	if c.unsent = c.answer[max(n, 0):]; len(c.unsent) > 0 {
		return b.watch(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLOUT) == nil
	}
	return true
}

// flush sends more of an answer.
func (b *backend) flush(c *backendConn) bool {
	n, err := unix.Write(c.fd, c.unsent)
	if err != nil && err != unix.EAGAIN {
		return false
	}
	if c.unsent = c.unsent[max(n, 0):]; len(c.unsent) == 0 {
		return b.watch(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN) == nil
	}
	return true
}

// askBackend asks the backend what it has counted. The question itself is not.
func askBackend(ctx context.Context, addr string) (s backendStats, err error) {
	body, err := client{addr: addr}.do(ctx, get(statsTarget))
	if err != nil {
		return s, fmt.Errorf("backend: %w", err)
	}
	if _, err := fmt.Sscan(string(body), &s.connections, &s.requests); err != nil {
		return s, fmt.Errorf("backend: %q: %w", body, err)
	}
	return s, nil
}

// sizedTarget asks for a body of so many bytes.
func sizedTarget(size int) string { return sizeTarget + strconv.Itoa(size) }
