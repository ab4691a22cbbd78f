package main

import (
	"bytes"
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// The backend answers every GET with 128 bytes. Two targets are for the
// comparison itself: echoTarget answers with the head that was received, and
// statsTarget with what was counted.
const (
	bodyLength  = 128
	echoTarget  = "/-echo"
	statsTarget = "/-stats"
)

var backendAnswer = answer(strings.Repeat("x", bodyLength))

func answer(body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// backendStats is what the backend has counted since it started.
type backendStats struct{ connections, requests int }

func (s backendStats) String() string { return fmt.Sprintf("%d %d", s.connections, s.requests) }

// backendRole serves until the process is ended.
func backendRole([]string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
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
	heads    map[int][]byte // of connections whose request has come in part
	buf      [16 << 10]byte
}

// serveBackend serves until stop, which may be nil, is closed.
func serveBackend(ln *net.TCPListener, stop <-chan struct{}) error {
	file, err := ln.File() // as a blocking descriptor of its own
	if err != nil {
		return err
	}
	defer file.Close()
	ln.Close()
	b := &backend{listener: int(file.Fd()), heads: map[int][]byte{}}
	if err := unix.SetNonblock(b.listener, true); err != nil {
		return err
	}
	if b.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(b.epoll)
	if err := b.watch(b.listener); err != nil {
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
			} else if !b.serve(fd) {
				delete(b.heads, fd)
				unix.Close(fd)
			}
		}
	}
}

func (b *backend) watch(fd int) error {
	return unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (b *backend) accept() {
	fd, _, err := unix.Accept4(b.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	b.stats.connections++
	if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil || b.watch(fd) != nil {
		unix.Close(fd)
	}
}

// serve reads what there is and answers each whole head. It tells whether the
// connection goes on.
func (b *backend) serve(fd int) bool {
	n, err := unix.Read(fd, b.buf[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	data := b.buf[:n]
	if head, ok := b.heads[fd]; ok {
		data = append(head, data...)
		delete(b.heads, fd)
	}
	for len(data) > 0 {
		end := bytes.Index(data, []byte("\r\n\r\n"))
		if end < 0 {
			if len(data) > len(b.buf) {
				return false
			}
			b.heads[fd] = bytes.Clone(data)
			return true
		}
		head := data[:end+4]
		data = data[end+4:]
		out := b.answer(head)
		if n, err := unix.Write(fd, out); err != nil || n < len(out) {
			return false
		}
	}
	return true
}

func (b *backend) answer(head []byte) []byte {
	if bytes.HasPrefix(head, []byte("GET /-")) {
		switch {
		case bytes.HasPrefix(head, []byte("GET "+echoTarget+" ")):
			return answer(string(head))
		case bytes.HasPrefix(head, []byte("GET "+statsTarget+" ")):
			b.stats.connections-- // the one that asks
			return answer(b.stats.String())
		}
	}
	b.stats.requests++
	return backendAnswer
}

// backendStats asks the backend what it has counted. The question itself is not.
func (b *bench) backendStats() (s backendStats, err error) {
	body, err := get(b.ctx, b.backend.addr, "backend", statsTarget)
	if err != nil {
		return s, fmt.Errorf("backend: %w", err)
	}
	if _, err := fmt.Sscan(body, &s.connections, &s.requests); err != nil {
		return s, fmt.Errorf("backend: %q: %w", body, err)
	}
	return s, nil
}
