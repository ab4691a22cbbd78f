package main

import (
	"context"
	"expvar"
	"net"
	"net/http"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// relayRole is no proxy but the least that one could be here: each connection has a
// connection to the backend of its own, and what comes from one side goes to the other
// without a look at it. It has the same sockets as Shockwave, so what Shockwave
// needs beyond it is what HTTP, routing, pools, logs and metrics cost; what the relay
// needs is the kernel's and the scheduler's.
func relayRole(args []string) error {
	o, err := parsePeer(args)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp4", o.addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	reaper := sock.NewReaper()
	go reaper.Run(context.Background())
	failed := make(chan error, 2)
	count := &http.Server{Addr: o.profiles, Handler: expvar.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- count.ListenAndServe() }()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				failed <- err
				return
			}
			go relay(sock.New(conn, reaper), o.backend, reaper)
		}
	}()
	return <-failed
}

// relay serves a client whose requests, and their answers, come in one piece.
func relay(client *sock.Conn, backend string, reaper *sock.Reaper) {
	defer client.Close()
	conn, err := net.Dial("tcp4", backend)
	if err != nil {
		return
	}
	upstream := sock.New(conn, reaper)
	defer upstream.Close()
	request, answer := make([]byte, 4<<10), make([]byte, 4<<10)
	for {
		client.ReadWithin(time.Minute)
		n, err := client.Read(request)
		if err != nil {
			return
		}
		_, n, err = upstream.Ask(request[:n], nil, answer, time.Minute)
		if err != nil {
			return
		}
		if _, err := client.Write(answer[:n]); err != nil {
			return
		}
	}
}
