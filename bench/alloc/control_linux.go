package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// What the parent tells a server, one word in a line, and is answered with one
// line.
const (
	cmdStats = "stats" // the fields of counts, in order
	cmdChurn = "churn" // begin to replace live objects and to force collections
	cmdCalm  = "calm"  // end that
)

// counts are what a server has counted since it started.
type counts struct {
	mallocs, bytes int64
	cycles         int64
	gc             time.Duration // the collector's CPU time, but for that of an idle processor
	heap           int64         // bytes in use by the Go heap
	exchanges      int64
	misses         int64
}

// control is the server's end: it answers until its input ends. It allocates
// nothing, so that what the parent asks does not count.
type control struct {
	mode    alloc.Mode
	ours    bool // a server of ours, with a mode
	cache   *cache
	samples []metrics.Sample
	stats   runtime.MemStats
	line    []byte
}

func newControl(c *cache) *control {
	return &control{
		cache:   c,
		samples: []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}},
		line:    make([]byte, 0, 512),
	}
}

func (c *control) serve(in io.Reader, out io.Writer) error {
	r := bufio.NewReader(in)
	for {
		command, err := r.ReadSlice('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		c.line = c.line[:0]
		switch string(command[:len(command)-1]) {
		case cmdStats:
			c.appendStats()
		case cmdChurn:
			c.cache.churn()
		case cmdCalm:
			c.cache.calm()
		default:
			return fmt.Errorf("unknown command %q", command)
		}
		c.line = append(c.line, '\n')
		if _, err := out.Write(c.line); err != nil {
			return err
		}
	}
}

func (c *control) appendStats() {
	runtime.ReadMemStats(&c.stats)
	metrics.Read(c.samples)
	gc := c.samples[0].Value.Float64() - c.samples[1].Value.Float64()
	var modes [alloc.Modes]alloc.Stats
	if c.ours {
		modes = alloc.ReadStats()
	}
	mode := &modes[c.mode]
	for _, n := range [...]int64{
		int64(c.stats.Mallocs), int64(c.stats.TotalAlloc), int64(c.stats.NumGC), int64(gc * 1e9), int64(c.stats.HeapInuse),
		int64(mode.Exchanges), int64(mode.Misses),
	} {
		c.line = strconv.AppendInt(c.line, n, 10)
		c.line = append(c.line, ' ')
	}
}

// remote is the parent's end.
type remote struct {
	in  *os.File
	out *bufio.Reader
}

// do has a command carried out and returns the line that answers it.
func (r *remote) do(command string) (string, error) {
	if _, err := r.in.WriteString(command + "\n"); err != nil {
		return "", err
	}
	return r.out.ReadString('\n')
}

func (r *remote) counts() (n counts, err error) {
	line, err := r.do(cmdStats)
	if err != nil {
		return n, err
	}
	var gc int64
	if _, err := fmt.Fscan(strings.NewReader(line), &n.mallocs, &n.bytes, &n.cycles, &gc, &n.heap, &n.exchanges, &n.misses); err != nil {
		return n, fmt.Errorf("the server counts %q: %w", line, err)
	}
	n.gc = time.Duration(gc)
	return n, nil
}

func (c counts) minus(o counts) counts {
	return counts{
		c.mallocs - o.mallocs, c.bytes - o.bytes, c.cycles - o.cycles, c.gc - o.gc, c.heap - o.heap,
		c.exchanges - o.exchanges, c.misses - o.misses,
	}
}
