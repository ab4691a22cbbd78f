package grpctest

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // for clients that compress
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// ServiceName is the name of the service, which is the first segment of the paths of
// its requests.
const ServiceName = "shockwave.test.Echo"

// method is the path of a method's requests.
func method(name string) string { return "/" + ServiceName + "/" + name }

// Start serves on a port of loopback until the test ends, and returns the address.
// Without credentials it speaks HTTP/2 in clear text.
func Start(t testing.TB, creds credentials.TransportCredentials, opts ...grpc.ServerOption) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(creds, opts...)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// NewServer returns a server that has the service, for tests that start and stop it
// themselves.
func NewServer(creds credentials.TransportCredentials, opts ...grpc.ServerOption) *grpc.Server {
	if creds != nil {
		opts = append(opts, grpc.Creds(creds))
	}
	s := grpc.NewServer(opts...)
	s.RegisterService(&description, nil)
	return s
}

// The messages.
type (
	textMessage   = wrapperspb.StringValue
	bytesMessage  = wrapperspb.BytesValue
	numberMessage = wrapperspb.Int64Value
)

var description = grpc.ServiceDesc{
	ServiceName: ServiceName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("Echo", echo),
		unary("Metadata", echoMetadata),
		unary("Fail", fail),
		unary("Outcome", outcome),
	},
	Streams: []grpc.StreamDesc{
		{StreamName: "Sum", Handler: sum, ClientStreams: true},
		{StreamName: "Count", Handler: count, ServerStreams: true},
		{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true},
		{StreamName: "FailLate", Handler: failLate, ServerStreams: true},
		{StreamName: "Wait", Handler: wait, ServerStreams: true},
	},
}

// pointer is a pointer to a message M.
type pointer[M any] interface {
	*M
	proto.Message
}

// unary describes a method with one message in each direction.
func unary[M any, P pointer[M], R proto.Message](name string, f func(context.Context, P) (R, error)) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, around grpc.UnaryServerInterceptor) (any, error) {
			in := P(new(M))
			if err := decode(in); err != nil {
				return nil, err
			}
			if around == nil {
				return f(ctx, in)
			}
			info := &grpc.UnaryServerInfo{FullMethod: method(name)}
			return around(ctx, in, info, func(ctx context.Context, _ any) (any, error) { return f(ctx, in) })
		},
	}
}

// echo returns its message.
func echo(_ context.Context, in *bytesMessage) (*bytesMessage, error) { return in, nil }

// echoMetadata returns the metadata whose names begin with x-, as header and as
// trailer, and the authority that was asked for.
func echoMetadata(ctx context.Context, _ *textMessage) (*textMessage, error) {
	got, _ := metadata.FromIncomingContext(ctx)
	header, trailer := metadata.MD{}, metadata.MD{}
	for name, values := range got {
		if rest, ok := strings.CutPrefix(name, "x-"); ok {
			header.Append("x-header-"+rest, values...)
			trailer.Append("x-trailer-"+rest, values...)
		}
	}
	if err := grpc.SetHeader(ctx, header); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, trailer); err != nil {
		return nil, err
	}
	return wrapperspb.String(strings.Join(got.Get(":authority"), ",")), nil
}

// failure is the status of calls that fail.
func failure(detail string) error {
	s, err := status.New(codes.FailedPrecondition, failureText).
		WithDetails(protoadapt.MessageV1Of(wrapperspb.String(detail)))
	if err != nil {
		return err
	}
	return s.Err()
}

// failureText needs the encoding of Grpc-Message.
const failureText = "not yet: 100 %, \u00e9t\u00e9,\nsecond line"

// failureTrailer is the metadata of calls that fail.
var failureTrailer = metadata.Pairs("x-reason", "early", "x-reason", "often", "x-reason-bin", "\x00\xff")

// fail returns an error and nothing before it.
func fail(ctx context.Context, in *textMessage) (*textMessage, error) {
	if err := grpc.SetTrailer(ctx, failureTrailer); err != nil {
		return nil, err
	}
	return nil, failure(in.Value)
}

// failLate returns an error after two messages.
func failLate(_ any, stream grpc.ServerStream) error {
	var in textMessage
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	for range 2 {
		if err := stream.SendMsg(&in); err != nil {
			return err
		}
	}
	stream.SetTrailer(failureTrailer)
	return failure(in.Value)
}

// sum returns the sum of the numbers that it gets.
func sum(_ any, stream grpc.ServerStream) error {
	var total int64
	for {
		var in numberMessage
		err := stream.RecvMsg(&in)
		if err == io.EOF {
			return stream.SendMsg(wrapperspb.Int64(total))
		}
		if err != nil {
			return err
		}
		total += in.Value
	}
}

// count returns the numbers from 1 to the one that it gets.
func count(_ any, stream grpc.ServerStream) error {
	var in numberMessage
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	for i := range in.Value {
		if err := stream.SendMsg(wrapperspb.Int64(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

// goodbye makes chat end although the client has not.
const goodbye = "goodbye"

// chat returns each message at once, and how many there were when the client ends.
func chat(_ any, stream grpc.ServerStream) error {
	for n := 0; ; n++ {
		var in textMessage
		err := stream.RecvMsg(&in)
		switch {
		case err == io.EOF:
			return stream.SendMsg(wrapperspb.String(strconv.Itoa(n)))
		case err != nil:
			return err
		case in.Value == goodbye:
			return status.Error(codes.Aborted, goodbye)
		}
		if err := stream.SendMsg(&in); err != nil {
			return err
		}
	}
}

// waits has a channel for each call of wait, by what the client calls it. The answer
// may be asked for before the call ended, and at another server of the process.
var waits sync.Map // of chan string

func waitOf(name string) chan string {
	c, _ := waits.LoadOrStore(name, make(chan string, 1))
	return c.(chan string)
}

// What ended a call of wait.
const (
	endedByDeadline = "deadline"     // its own, which it was told
	endedByCancel   = "cancellation" // of a call without a deadline
)

// wait sends its header, and then nothing until the call ends.
func wait(_ any, stream grpc.ServerStream) error {
	var in textMessage
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	err := stream.SendHeader(metadata.Pairs("x-waiting", in.Value))
	ctx := stream.Context()
	<-ctx.Done()
	ended := endedByCancel
	if _, ok := ctx.Deadline(); ok {
		ended = endedByDeadline
	}
	waitOf(in.Value) <- ended
	return errors.Join(err, ctx.Err())
}

// outcome tells what ended a call of wait. It waits for that.
func outcome(ctx context.Context, in *textMessage) (*textMessage, error) {
	select {
	case ended := <-waitOf(in.Value):
		waits.Delete(in.Value)
		return wrapperspb.String(ended), nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}
