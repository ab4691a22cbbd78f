package sock

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// spliceEnds is the variable that makes a test process the two ends of
// BenchmarkMove: "address size".
const spliceEnds = "SHOCKWAVE_BENCH_SPLICE_ENDS"

// BenchmarkMove measures what it costs to pass bodies on from one TCP connection to
// another, as ways to do it and sizes of the body go. Both ends are in another
// process, so that cpu-ns/op, the user and system time of this one, is the mover's. Run
// it on the first core: GOMAXPROCS=1 taskset -c 0.
func BenchmarkMove(b *testing.B) {
	for _, size := range []int{16 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 64 << 20} {
		for _, way := range []struct {
			name string
			move func(from, to *Conn, n int64) error
		}{
			{"copy64k", copier(64 << 10)},
			{"copy256k", copier(256 << 10)},
			{"splice", func(from, to *Conn, n int64) error {
				_, readErr, writeErr := from.Splice(to, n)
				if readErr != nil {
					return readErr
				}
				return writeErr
			}},
		} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, way.name), func(b *testing.B) {
				benchmarkMove(b, size, way.move)
			})
		}
	}
}

// copier moves with reads and writes.
func copier(size int) func(from, to *Conn, n int64) error {
	buf := make([]byte, size)
	return func(from, to *Conn, n int64) error {
		for n > 0 {
			m, err := from.Read(buf[:min(n, int64(size))])
			if err != nil {
				return err
			}
			if _, err := to.Write(buf[:m]); err != nil {
				return err
			}
			n -= int64(m)
		}
		return nil
	}
}

func benchmarkMove(b *testing.B, size int, move func(from, to *Conn, n int64) error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	args := []string{os.Args[0], "-test.run=^TestSpliceEnds$", "-test.timeout=5m"}
	if taskset, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{taskset, "-c", "1"}, args...) // not on the mover's core
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), spliceEnds+"="+ln.Addr().String()+" "+strconv.Itoa(size))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	var ends [2]*Conn
	for range ends {
		nc, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		which := make([]byte, 1)
		if _, err := io.ReadFull(nc, which); err != nil {
			b.Fatal(err)
		}
		ends[which[0]] = New(nc, nil)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		if err := move(ends[0], ends[1], int64(size)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is the user and system time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSpliceEnds is the other process of BenchmarkMove: it sends a body on its first
// connection, reads it from its second one, and begins again.
func TestSpliceEnds(t *testing.T) {
	var addr string
	var size int
	if n, _ := fmt.Sscan(os.Getenv(spliceEnds), &addr, &size); n != 2 {
		t.Skip("is run by BenchmarkMove")
	}
	var ends [2]net.Conn
	for i := range ends {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		ends[i] = nc
	}
	next := make(chan struct{})
	defer close(next)
	go func() {
		out := make([]byte, min(size, 1<<20))
		for range next {
			for left := size; left > 0; {
				n, err := ends[0].Write(out[:min(left, len(out))])
				if err != nil {
					return
				}
				left -= n
			}
		}
	}()
	in := make([]byte, 1<<20)
	for {
		next <- struct{}{}
		for left := size; left > 0; {
			n, err := ends[1].Read(in[:min(left, len(in))])
			if err != nil {
				return
			}
			left -= n
		}
	}
}
