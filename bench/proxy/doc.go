// Command proxy compares the whole Shockwave with other reverse proxies on one
// machine, and writes docs/performance.md. It starts a cheap backend, the real
// controller with a directory of 10,000 hosts, in each of its allocation modes where
// that may matter, and the peers that are installed, and loads them one after the
// other, over and over:
//
//   - nginx, one worker, keep-alive on both sides, buffered access log;
//   - haproxy, one thread, http-reuse, log;
//   - net/http with httputil.ReverseProxy and a tuned Transport;
//   - fasthttp's server with its client.
//
// All of them set X-Forwarded-For, X-Forwarded-Proto and X-Request-ID, write a
// line for each request to /dev/null, speak TLS with the same certificate, and run
// alone on core 0 with one thread (GOMAXPROCS=1). That they do this, and that bodies
// arrive whole, is checked before they are measured. The backend and the load
// generator share core 1. A round loads each proxy once, and only the ratios of one
// round are compared: the machine is the same then. The tables show the median of the
// rounds, with the least and the most.
//
// The cases are in scenarios.go. Most are a closed loop: each connection sends its
// next request when it has the answer to the last. One is an open loop at half the
// rate of the slowest proxy: requests have times at which they should be sent, and
// latency counts from there, so that a stall is not hidden. Another looks at the
// memory of idle connections.
//
// CPU is the user and system time of the proxy's processes in the window
// (/proc/PID/stat), divided by the requests that the generator counted, or by the MiB
// of bodies that it sent or got. Allocations per request are those of the Go proxies
// in the window, less what reading their number costs. Any failed request makes the
// run fail.
//
// The page is made from the figures that a run saves, and from nothing else.
//
// It needs Linux, two cores, taskset, and for the idle connections leave to open
// 40,000 files. bench/run.sh builds everything.
package main
