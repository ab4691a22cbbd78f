package grpctest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInClearText(t *testing.T) {
	Check(t, Start(t, nil))
}

func TestOverTLS(t *testing.T) {
	pair := keypair.New(t, "grpc.example")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pair.Cert)
	addr := Start(t, credentials.NewServerTLSFromCert(&cert))
	Check(t, addr, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "")), grpc.WithAuthority("grpc.example"))
}

// Each check has to notice when what lies between loses what it is about.
func TestChecksFail(t *testing.T) {
	for name, c := range map[string]struct {
		server []grpc.ServerOption
		client []grpc.DialOption
		run    func(context.Context, *grpc.ClientConn) error
		want   string
	}{
		"no metadata": {
			client: []grpc.DialOption{grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				return invoke(metadata.NewOutgoingContext(ctx, nil), method, req, reply, cc, opts...)
			})},
			run: Metadata, want: "the header has",
		},
		"no details": {
			server: []grpc.ServerOption{grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
				out, err := handle(ctx, req)
				return out, status.Error(status.Code(err), status.Convert(err).Message())
			})},
			run: Failure, want: "0 details",
		},
		"no deadline": {
			server: []grpc.ServerOption{grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
				ctx, cancel := context.WithCancel(context.WithoutCancel(stream.Context()))
				defer context.AfterFunc(stream.Context(), cancel)()
				return handle(srv, otherContext{stream, ctx})
			})},
			run: Deadline, want: "", // the client may hear of the cancellation first
		},
		"another status": {
			server: []grpc.ServerOption{grpc.StreamInterceptor(func(any, grpc.ServerStream, *grpc.StreamServerInfo, grpc.StreamHandler) error {
				return status.Error(codes.Unavailable, "gone")
			})},
			run: Cancellation, want: "gone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := Dial(t, Start(t, nil, c.server...), c.client...)
			check := OneCheck{name, c.run}
			if err := check.run(conn); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A call that the server never hears of is an error, not a success.
func TestNobodyThere(t *testing.T) {
	conn := Dial(t, "127.0.0.1:1")
	for _, c := range Checks {
		if err := c.run(conn); status.Code(err) != codes.Unavailable && !errors.Is(err, errNotReached) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

type otherContext struct {
	grpc.ServerStream
	ctx context.Context
}

func (o otherContext) Context() context.Context { return o.ctx }
