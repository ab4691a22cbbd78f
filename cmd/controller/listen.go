package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

// listeners are the ports of the process.
type listeners struct {
	http, https, admin net.Listener
}

// addresses are where the process listens.
type addresses struct {
	http, https, admin net.Addr
}

// listen opens all ports, or none.
func listen(s settings.Settings) (l listeners, err error) {
	for _, port := range []struct {
		listener *net.Listener
		host     string
		number   int
		flag     string
	}{
		{&l.http, s.BindAddress, s.HTTPPort, "http-port"},
		{&l.https, s.BindAddress, s.HTTPSPort, "https-port"},
		{&l.admin, s.HealthzHost, s.HealthzPort, "healthz-port"},
	} {
		*port.listener, err = downstream.Listen(net.JoinHostPort(port.host, strconv.Itoa(port.number)))
		if err != nil {
			l.close()
			return listeners{}, listenError(err, port.host, port.number, port.flag)
		}
	}
	return l, nil
}

// listenError says in a sentence why a port cannot be had, and what to do.
func listenError(err error, host string, port int, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %d is in use by another program: stop it, or choose another port with --%s", port, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("there is no permission to listen on port %d: run with the capability NET_BIND_SERVICE, or choose a port above 1023 with --%s", port, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine: there is nothing to listen on for --%s", host, flag)
	}
	return fmt.Errorf("listen for --%s: %w", flag, err)
}

func (l listeners) addresses() addresses {
	return addresses{l.http.Addr(), l.https.Addr(), l.admin.Addr()}
}

// close closes what is open. Closing twice does no harm.
func (l listeners) close() {
	for _, ln := range []net.Listener{l.http, l.https, l.admin} {
		if ln != nil {
			_ = ln.Close()
		}
	}
}
