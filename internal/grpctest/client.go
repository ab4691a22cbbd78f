package grpctest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Patience is how long a check may take.
const Patience = 30 * time.Second

// Check makes all calls at target, an address with a port, over one connection, and
// reports each that goes wrong. Without transport credentials among the options it
// speaks HTTP/2 in clear text. grpc.WithAuthority sets the host that is asked for.
func Check(t testing.TB, target string, opts ...grpc.DialOption) {
	t.Helper()
	conn := Dial(t, target, opts...)
	for _, c := range Checks {
		if err := c.run(conn); err != nil {
			t.Errorf("gRPC: %s: %v", c.Name, err)
		}
	}
	// Once more, side by side.
	var all sync.WaitGroup
	for _, c := range Checks {
		all.Go(func() {
			if err := c.run(conn); err != nil {
				t.Errorf("gRPC, all calls at a time: %s: %v", c.Name, err)
			}
		})
	}
	all.Wait()
}

// Dial returns a connection to target, as Check makes it. It is closed when the test
// ends.
func Dial(t testing.TB, target string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy()}, opts...)
	conn, err := grpc.NewClient("passthrough:///"+target, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// OneCheck is one of the Checks.
type OneCheck struct {
	// Name says what is tried.
	Name string
	// Run makes the calls. The error says what was not as it should be.
	Run func(ctx context.Context, conn *grpc.ClientConn) error
}

func (c *OneCheck) run(conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return c.Run(ctx, conn)
}

// Checks are the checks that Check makes.
var Checks = []OneCheck{
	{"a call", Unary},
	{"large messages", Large},
	{"compressed messages", Compressed},
	{"a stream from the client", ClientStream},
	{"a stream from the server", ServerStream},
	{"a conversation", Conversation},
	{"a conversation that the server ends", EarlyEnd},
	{"metadata", Metadata},
	{"an error without a response", Failure},
	{"an error after a response", LateFailure},
	{"a method that does not exist", Unimplemented},
	{"a deadline", Deadline},
	{"a call that is given up", Cancellation},
}

// Unary checks calls with one message in each direction, an empty one included.
func Unary(ctx context.Context, conn *grpc.ClientConn) error {
	for _, text := range []string{"", "hello"} {
		if err := echoes(ctx, conn, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// Large checks messages that are larger than the windows of HTTP/2 at their start.
func Large(ctx context.Context, conn *grpc.ClientConn) error {
	return echoes(ctx, conn, bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
}

// Compressed checks that messages are passed on as they are.
func Compressed(ctx context.Context, conn *grpc.ClientConn) error {
	return echoes(ctx, conn, bytes.Repeat([]byte("compressible"), 1<<14), grpc.UseCompressor(gzip.Name))
}

func echoes(ctx context.Context, conn *grpc.ClientConn, data []byte, opts ...grpc.CallOption) error {
	var out bytesMessage
	if err := conn.Invoke(ctx, method("Echo"), wrapperspb.Bytes(data), &out, opts...); err != nil {
		return err
	}
	if !bytes.Equal(out.Value, data) {
		return fmt.Errorf("sent %d bytes and got %d others", len(data), len(out.Value))
	}
	return nil
}

// ClientStream checks a call with many messages from the client.
func ClientStream(ctx context.Context, conn *grpc.ClientConn) error {
	const n = 1000
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method("Sum"))
	if err != nil {
		return err
	}
	for i := range int64(n) {
		if err := stream.SendMsg(wrapperspb.Int64(i + 1)); err != nil {
			return statusOf(stream, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var out numberMessage
	if err := stream.RecvMsg(&out); err != nil {
		return err
	}
	if want := int64(n * (n + 1) / 2); out.Value != want {
		return fmt.Errorf("the sum is %d, want %d", out.Value, want)
	}
	return nil
}

// statusOf returns why a stream has ended when sending on it has failed with err.
func statusOf(stream grpc.ClientStream, err error) error {
	if err == io.EOF {
		err = stream.RecvMsg(new(textMessage))
	}
	return err
}

// ServerStream checks calls with many messages from the server, and with none.
func ServerStream(ctx context.Context, conn *grpc.ClientConn) error {
	for _, n := range []int64{0, 1000} {
		stream, err := ask(ctx, conn, "Count", wrapperspb.Int64(n))
		if err != nil {
			return err
		}
		for i := int64(1); ; i++ {
			var out numberMessage
			err := stream.RecvMsg(&out)
			if err == io.EOF && i == n+1 {
				break
			}
			if err != nil {
				return fmt.Errorf("message %d of %d: %w", i, n, err)
			}
			if out.Value != i {
				return fmt.Errorf("message %d is %d", i, out.Value)
			}
		}
	}
	return nil
}

// ask begins a call with a stream of messages from the server.
func ask(ctx context.Context, conn *grpc.ClientConn, name string, in any) (grpc.ClientStream, error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method(name))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(in); err != nil {
		return nil, statusOf(stream, err)
	}
	return stream, stream.CloseSend()
}

// both describes a stream with messages in both directions.
var both = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

// Conversation checks that each message arrives before the next one is sent, and that
// the server may answer after the client has ended.
func Conversation(ctx context.Context, conn *grpc.ClientConn) error {
	const n = 50
	stream, err := conn.NewStream(ctx, both, method("Chat"))
	if err != nil {
		return err
	}
	for i := range n {
		if err := says(stream, strconv.Itoa(i)); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var out textMessage
	if err := stream.RecvMsg(&out); err != nil {
		return err
	}
	if out.Value != strconv.Itoa(n) {
		return fmt.Errorf("the server counted %s messages, want %d", out.Value, n)
	}
	if err := stream.RecvMsg(&out); err != io.EOF {
		return fmt.Errorf("the stream ended with %w", err)
	}
	return nil
}

// says sends a message and waits for its echo.
func says(stream grpc.ClientStream, text string) error {
	if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
		return statusOf(stream, err)
	}
	var out textMessage
	if err := stream.RecvMsg(&out); err != nil {
		return err
	}
	if out.Value != text {
		return fmt.Errorf("said %q and heard %q", text, out.Value)
	}
	return nil
}

// EarlyEnd checks that a status arrives while the client may still send.
func EarlyEnd(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := conn.NewStream(ctx, both, method("Chat"))
	if err != nil {
		return err
	}
	if err := says(stream, "hello"); err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String(goodbye)); err != nil {
		return statusOf(stream, err)
	}
	return wantCode(stream.RecvMsg(new(textMessage)), codes.Aborted)
}

// Metadata checks metadata in both directions, in headers and in trailers, repeated
// and binary values included.
func Metadata(ctx context.Context, conn *grpc.ClientConn) error {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	sent := metadata.MD{
		"x-text":     {"some text, with a comma"},
		"x-many":     {"b", "a", "b"},
		"x-data-bin": {string(every), "", "\x00"},
		"x-empty":    {""},
	}
	var header, trailer metadata.MD
	var out textMessage
	err := conn.Invoke(metadata.NewOutgoingContext(ctx, sent), method("Metadata"), wrapperspb.String(""), &out,
		grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		return err
	}
	for name, want := range sent {
		name = name[len("x-"):]
		if got := header["x-header-"+name]; !slices.Equal(got, want) {
			return fmt.Errorf("the header has %q for %s, want %q", got, name, want)
		}
		if got := trailer["x-trailer-"+name]; !slices.Equal(got, want) {
			return fmt.Errorf("the trailer has %q for %s, want %q", got, name, want)
		}
	}
	if out.Value == "" {
		return errors.New("the server saw no authority")
	}
	return nil
}

// Failure checks a response that is nothing but a status, with its message, details
// and metadata.
func Failure(ctx context.Context, conn *grpc.ClientConn) error {
	const detail = "at once"
	var trailer metadata.MD
	err := conn.Invoke(ctx, method("Fail"), wrapperspb.String(detail), new(textMessage), grpc.Trailer(&trailer))
	return wantFailure(err, trailer, detail)
}

// LateFailure checks a status that follows messages.
func LateFailure(ctx context.Context, conn *grpc.ClientConn) error {
	const detail = "later"
	stream, err := ask(ctx, conn, "FailLate", wrapperspb.String(detail))
	if err != nil {
		return err
	}
	for range 2 {
		var out textMessage
		if err := stream.RecvMsg(&out); err != nil {
			return err
		}
		if out.Value != detail {
			return fmt.Errorf("got the message %q, want %q", out.Value, detail)
		}
	}
	err = stream.RecvMsg(new(textMessage))
	return wantFailure(err, stream.Trailer(), detail)
}

// wantFailure checks the status that failure returns.
func wantFailure(err error, trailer metadata.MD, detail string) error {
	if err := wantCode(err, codes.FailedPrecondition); err != nil {
		return err
	}
	s := status.Convert(err)
	if s.Message() != failureText {
		return fmt.Errorf("the status says %q, want %q", s.Message(), failureText)
	}
	details := s.Details()
	if len(details) != 1 {
		return fmt.Errorf("the status has %d details, want 1", len(details))
	}
	if got, ok := details[0].(*textMessage); !ok || got.Value != detail {
		return fmt.Errorf("the status has the detail %v, want %q", details[0], detail)
	}
	for name, want := range failureTrailer {
		if got := trailer[name]; !slices.Equal(got, want) {
			return fmt.Errorf("the trailer has %q for %s, want %q", got, name, want)
		}
	}
	return nil
}

// wantCode checks the code of a call's status.
func wantCode(err error, want codes.Code) error {
	if got := status.Code(err); got != want {
		return fmt.Errorf("the status is %v (%w), want %v", got, err, want)
	}
	return nil
}

// Unimplemented checks a call of a method that the server does not have.
func Unimplemented(ctx context.Context, conn *grpc.ClientConn) error {
	err := conn.Invoke(ctx, method("None"), wrapperspb.String(""), new(textMessage))
	return wantCode(err, codes.Unimplemented)
}

// Deadline checks that the server is told the deadline of a call, and that both sides
// end it.
func Deadline(ctx context.Context, conn *grpc.ClientConn) error {
	// On a busy machine a call may not reach the server in time.
	for within := 100 * time.Millisecond; ; within *= 2 {
		name := rand.Text()
		err := func() error {
			short, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			stream, err := waiting(short, conn, name)
			if err != nil {
				return err
			}
			if err := wantCode(stream.RecvMsg(new(textMessage)), codes.DeadlineExceeded); err != nil {
				return err
			}
			return wantOutcome(ctx, conn, name, endedByDeadline)
		}()
		late := errors.Is(err, errNotReached) && status.Code(err) == codes.DeadlineExceeded
		if !late || within > Patience/4 {
			return err
		}
	}
}

// Cancellation checks that the server learns that a client has given up a call.
func Cancellation(ctx context.Context, conn *grpc.ClientConn) error {
	// A deadline would be another reason for the server to end the call.
	free, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	name := rand.Text()
	stream, err := waiting(free, conn, name)
	if err != nil {
		return err
	}
	cancel()
	if err := wantCode(stream.RecvMsg(new(textMessage)), codes.Canceled); err != nil {
		return err
	}
	return wantOutcome(ctx, conn, name, endedByCancel)
}

// errNotReached is returned for a call that ended before the server answered it.
var errNotReached = errors.New("the server did not answer")

// waiting begins a call of Wait, and returns once the server has answered it.
func waiting(ctx context.Context, conn *grpc.ClientConn, name string) (grpc.ClientStream, error) {
	stream, err := ask(ctx, conn, "Wait", wrapperspb.String(name))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReached, err)
	}
	header, err := stream.Header()
	if err == nil && header == nil {
		err = stream.RecvMsg(new(textMessage)) // it has ended without one
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReached, err)
	}
	if got := header.Get("x-waiting"); !slices.Equal(got, []string{name}) {
		return nil, fmt.Errorf("the header names the call %q, want %q", got, name)
	}
	return stream, nil
}

// wantOutcome waits until the server knows that a call of Wait has ended, and checks
// what ended it.
func wantOutcome(ctx context.Context, conn *grpc.ClientConn, name, want string) error {
	var out textMessage
	if err := conn.Invoke(ctx, method("Outcome"), wrapperspb.String(name), &out); err != nil {
		return fmt.Errorf("the server did not notice the end: %w", err)
	}
	if out.Value != want {
		return fmt.Errorf("for the server the call ended by %s, want %s", out.Value, want)
	}
	return nil
}
