// Command proxy compares the whole Shockwave with other reverse proxies on one
// machine. It starts a cheap backend, the real controller with a directory of
// 10,000 hosts, and the peers that are installed, and loads them one after the
// other, over and over:
//
//   - nginx, one worker, keep-alive on both sides, buffered access log;
//   - haproxy, one thread, http-reuse, log;
//   - net/http with httputil.ReverseProxy and a tuned Transport;
//   - fasthttp's server with its client.
//
// All of them set X-Forwarded-For, X-Forwarded-Proto and X-Request-ID, write a
// line for each request to /dev/null, and run alone on core 0 with one thread
// (GOMAXPROCS=1). The backend and the load generator share core 1. A round loads
// each proxy once, and only the ratios of one round are compared: the machine is
// the same then. The table shows the median of the rounds, with the least and
// the most.
//
// There are two loads. "saturation" is a closed loop: each connection sends its
// next request when it has the answer to the last. "half" is an open loop at
// half the rate of the slowest proxy: requests have times at which they should
// be sent, and latency counts from there, so that a stall is not hidden.
//
// CPU is the user and system time of the proxy's processes in the window
// (/proc/PID/stat), divided by the requests that the generator counted.
// Allocations per request are those of Shockwave, from its own metrics, less
// what reading the metrics costs. Any failed request makes the run fail.
//
// It needs Linux, two cores and taskset. bench/run.sh builds everything.
package main
