package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// TestServersAnswerAlike loads each server with each case for a moment: the load
// compares the answers.
func TestServersAnswerAlike(t *testing.T) {
	all, err := scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, s := range all {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				c := newControl(nil)
				serve, err := c.serverOf(name, s.Kind)
				if err != nil {
					t.Fatal(err)
				}
				ln, err := net.Listen("tcp4", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				go func() { _ = serve(ln) }()
				r, err := load.Generate(load.Options{
					Addr: ln.Addr().String(), Connections: min(s.Connections, 4), Request: s.request,
					Batch: s.Batch, Fresh: s.Fresh, Window: 20 * time.Millisecond,
				})
				if err == nil {
					err = r.Err()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestUnknownServersAreRefused(t *testing.T) {
	if _, err := newControl(nil).serverOf("nginx", cases.Plain); err == nil {
		t.Error("there is a server nginx")
	}
}

// TestControl asks a server over pipes, as the parent does.
func TestControl(t *testing.T) {
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW := io.Pipe()
	c := newControl(&cache{objects: []*object{newObject(1), newObject(2)}})
	c.mode, c.ours = alloc.GreenTea, true
	ended := make(chan error, 1)
	go func() { ended <- c.serve(inR, outW) }()
	r := &remote{inW, bufio.NewReader(outR)}
	before, err := r.counts()
	if err != nil {
		t.Fatal(err)
	}
	x := alloc.TakeMemory(alloc.GreenTea)
	x.Work.Alloc(1 << 20)
	x.Work.EndExchange()
	x.Release()
	runtime.GC()
	after, err := r.counts()
	if err != nil {
		t.Fatal(err)
	}
	got := after.minus(before)
	if got.exchanges != 1 || got.misses != 1 || got.cycles < 1 || got.gc <= 0 || got.bytes < 1<<20 || got.mallocs < 1 || after.heap <= 0 {
		t.Errorf("counted %+v", got)
	}
	if line, err := r.do(cmdChurn); err != nil || line != "\n" {
		t.Errorf("%q, %v", line, err)
	}
	time.Sleep(2*forceEvery + forceEvery/2)
	if line, err := r.do(cmdCalm); err != nil || line != "\n" {
		t.Errorf("%q, %v", line, err)
	}
	churned, err := r.counts()
	if err != nil {
		t.Fatal(err)
	}
	if got := churned.minus(after); got.cycles < 1 || got.mallocs < 100 {
		t.Errorf("while it churned: %+v", got)
	}
	inW.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAskingAllocatesNothing lets the figures of a window be those of requests.
func TestAskingAllocatesNothing(t *testing.T) {
	c := newControl(nil)
	c.appendStats()
	if n := testing.AllocsPerRun(20, func() {
		c.line = c.line[:0]
		c.appendStats()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-short", "-servers", "arena,fasthttp", "-cases", "JSON,GC"})
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 1 || len(o.servers) != 2 || !o.wants("JSON") || !o.wants(partGC) || o.wants("Large1M") {
		t.Errorf("%+v", o)
	}
	all, err := scenarios()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.checkOnly(all); err != nil {
		t.Error(err)
	}
	o.only = list{"nothing"}
	if o.checkOnly(all) == nil {
		t.Error("there is a case nothing")
	}
	for _, args := range []string{"-servers nginx", "-rounds 0", "rest", "-page a -cases JSON", "-page a -servers arena"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
