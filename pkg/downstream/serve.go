package downstream

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// Serve accepts connections on ln until Shutdown or Close, and then returns
// ErrServerClosed, or until ln fails for good. It closes ln. Connections outlive
// it: Shutdown and Close wait for them. A lack of descriptors or memory is
// waited out.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, nil) }

// ServeTLS is Serve with TLS on every connection. The certificate comes from
// the files, in PEM, or from Config.TLSConfig when both names are empty.
func (s *Server) ServeTLS(ln net.Listener, certFile, keyFile string) error {
	cfg := s.tlsConfig
	if certFile != "" || keyFile != "" {
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			_ = ln.Close()
			return err
		}
		cfg = cfg.Clone()
		if cfg == nil {
			cfg = new(tls.Config)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return s.ServeTLSConfig(ln, cfg)
}

// errNoCertificate is what ServeTLS fails with when it was given no certificate.
var errNoCertificate = errors.New("TLS configuration has no certificate")

// ServeTLSConfig is ServeTLS with a configuration of the listener's own. The
// configuration is cloned, and what it offers by ALPN is ours to say, as with those that
// its GetConfigForClient returns: h2, when Config.HTTP2 is set, and http/1.1. One whose
// NextProtos has only http/1.1 leaves h2 out.
func (s *Server) ServeTLSConfig(ln net.Listener, cfg *tls.Config) error {
	if cfg == nil || len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		_ = ln.Close()
		return errNoCertificate
	}
	return s.serve(ln, s.negotiating(cfg))
}

func (s *Server) serve(ln net.Listener, tlsConfig *tls.Config) error {
	if err := s.begin(ln); err != nil {
		_ = ln.Close()
		return err
	}
	defer s.end(ln)
	if tlsConfig != nil {
		tlsConfig = passable(tlsConfig)
	}
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			if pause > 0 {
				pause = 0
				s.log.Info("listener accepts again", "listener", ln.Addr().String())
			}
			s.admit(nc, tlsConfig)
		case s.isDone():
			return ErrServerClosed
		case s.stopping.Load():
			s.acceptQueued(ln, tlsConfig)
			return ErrServerClosed
		case !passes(err):
			return err
		default:
			if pause == 0 {
				s.log.Warn("listener cannot accept", "listener", ln.Addr().String(), "err", err)
			}
			pause = min(max(2*pause, shortest), longest)
			s.sleep(pause)
		}
	}
}

// acceptQueued accepts what the kernel still holds of a listener that is about
// to close: closing it would reset those connections.
func (s *Server) acceptQueued(ln net.Listener, tlsConfig *tls.Config) {
	d, ok := ln.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return
	}
	last, quiet := acceptLast, acceptQuiet
	if !ignoreNewConnections(ln) {
		last, quiet = acceptLastOpen, acceptQuietOpen
	}
	for end := time.Now().Add(last); time.Now().Before(end); {
		// An accept whose deadline has passed does not look at the queue.
		if d.SetDeadline(time.Now().Add(quiet)) != nil {
			return
		}
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		s.admit(nc, tlsConfig)
	}
}

// passes tells whether an error of accept is one that passes: the peer's
// (ECONNABORTED) or a lack of something.
func passes(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.EPERM, syscall.EPROTO,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	// A deadline that Shutdown set for another server on the same listener.
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// sleep waits for d, or less when the server is closed.
func (s *Server) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closed:
	}
}

func (s *Server) isDone() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
