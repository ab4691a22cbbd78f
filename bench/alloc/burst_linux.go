package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
)

// burstConnections send a body at once.
const burstConnections = 512

// bursts sends a burst to new servers in each round and looks at their memory.
func (b *bench) bursts() (map[string][]memory, error) {
	upload, ok := cases.Find("POST64K")
	if !ok {
		return nil, fmt.Errorf("there is no case POST64K")
	}
	all := map[string][]memory{}
	for round := range b.rounds {
		progress("bursts: round %d of %d", round+1, b.rounds)
		if err := b.burstRound(upload, all); err != nil {
			return nil, fmt.Errorf("burst: %w", err)
		}
	}
	return all, nil
}

func (b *bench) burstRound(upload cases.Case, all map[string][]memory) error {
	children, err := b.startAll(upload.Kind, false)
	if err != nil {
		return err
	}
	defer stopAll(children)
	var idle []time.Time
	var clients [][]net.Conn
	defer func() {
		for _, conns := range clients {
			closeAll(conns)
		}
	}()
	memories := make([]memory, len(children))
	for i, c := range children {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		conns, err := c.burst(upload, &memories[i])
		clients = append(clients, conns)
		if err != nil {
			return fmt.Errorf("%s: %w; its errors:\n%s", c.name, err, c.Complaint())
		}
		idle = append(idle, time.Now())
	}
	for i, c := range children {
		time.Sleep(time.Until(idle[i].Add(b.rest)))
		m := &memories[i]
		if m.After, m.HeapEnd, err = c.memory(); err != nil {
			return err
		}
		all[c.name] = append(all[c.name], *m)
	}
	return nil
}

// memory is what is resident of a server, and in use by its Go heap.
func (c *child) memory() (rss, heap float64, err error) {
	n, err := c.counts()
	if err != nil {
		return 0, 0, err
	}
	resident, err := load.RSS(c.PID())
	return float64(resident), float64(n.heap), err
}

// burst opens connections, sends half of a body on each, and when all are there the
// other half. The connections stay open.
func (c *child) burst(upload cases.Case, m *memory) (conns []net.Conn, err error) {
	if m.Before, m.Heap, err = c.memory(); err != nil {
		return nil, err
	}
	for range burstConnections {
		conn, err := net.Dial("tcp4", c.addr)
		if err != nil {
			return conns, err
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		conns = append(conns, conn)
	}
	request := upload.Request.Bytes
	half := len(request) / 2
	if err := each(conns, func(conn net.Conn) error {
		_, err := conn.Write(request[:half])
		return err
	}); err != nil {
		return conns, err
	}
	time.Sleep(300 * time.Millisecond) // for the server to read it
	if m.Peak, m.HeapTop, err = c.memory(); err != nil {
		return conns, err
	}
	stop, highest := make(chan struct{}), make(chan float64)
	go func() { highest <- watchRSS(c.PID(), stop) }()
	err = each(conns, func(conn net.Conn) error {
		if _, err := conn.Write(request[half:]); err != nil {
			return err
		}
		return readAnswer(conn, upload.Request.Want)
	})
	close(stop)
	m.Peak = max(m.Peak, <-highest)
	if err != nil {
		return conns, err
	}
	_, heap, err := c.memory()
	m.HeapTop = max(m.HeapTop, heap)
	return conns, err
}

// each does something for all connections at once and returns the first error.
func each(conns []net.Conn, do func(net.Conn) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(conns))
	for _, conn := range conns {
		wg.Go(func() { errs <- do(conn) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// watchRSS returns the most that a process has resident until stop is closed.
func watchRSS(pid int, stop <-chan struct{}) (most float64) {
	for {
		if rss, err := load.RSS(pid); err == nil {
			most = max(most, float64(rss))
		}
		select {
		case <-stop:
			return most
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// readAnswer reads one answer and compares its body.
func readAnswer(conn net.Conn, want *load.Answer) error {
	var data []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil && err != io.EOF {
			return err
		}
		data = append(data, buf[:n]...)
		head, body, _, parseErr := load.ParseHead(data)
		switch {
		case parseErr != nil:
			return fmt.Errorf("answer %.300q: %w", data, parseErr)
		case head > 0 && len(data) >= head+body:
			if !bytes.Equal(data[head:], want.Body) {
				return fmt.Errorf("answer %.300q: another body", data)
			}
			return nil
		case err == io.EOF:
			return fmt.Errorf("the connection ended before the answer")
		}
	}
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}
