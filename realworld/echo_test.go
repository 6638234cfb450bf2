package realworld_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

const (
	sayProcedure   = "/test.v1.Echo/Say"
	readProcedure  = "/test.v1.Echo/Read" // has no side effects, so that clients may use GET
	countProcedure = "/test.v1.Echo/Count"
)

type text = wrapperspb.StringValue

// An echo is a service of connect's, which answers with what it is sent.
type echo struct {
	mux   *http.ServeMux
	done  atomic.Int64 // how many calls were carried out
	fails error        // what a call ends with
	lost  bool         // the answer to the first call is lost, or the rest of a stream after two messages
}

func newEcho() *echo {
	e := &echo{mux: http.NewServeMux()}
	free := connect.WithIdempotency(connect.IdempotencyNoSideEffects)
	e.mux.Handle(sayProcedure, connect.NewUnaryHandler(sayProcedure, e.answer))
	e.mux.Handle(readProcedure, connect.NewUnaryHandler(readProcedure, e.answer, free))
	e.mux.Handle(countProcedure, connect.NewServerStreamHandler(countProcedure, e.stream))
	return e
}

func (e *echo) answer(_ context.Context, r *connect.Request[text]) (*connect.Response[text], error) {
	if n := e.done.Add(1); n == 1 && e.lost {
		panic(http.ErrAbortHandler)
	}
	if e.fails != nil {
		return nil, e.fails
	}
	return connect.NewResponse(r.Msg), nil
}

// stream sends five messages, one an hour, unless it fails at once.
func (e *echo) stream(_ context.Context, r *connect.Request[text], s *connect.ServerStream[text]) error {
	e.done.Add(1)
	if e.fails != nil {
		return e.fails
	}
	for i := range 5 {
		if e.lost && i == 2 {
			panic(http.ErrAbortHandler)
		}
		if err := s.Send(r.Msg); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	}
	return nil
}

// A caller is a client of an echo, which meets faults first.
type caller struct {
	*echo
	server *httpfault.Server
	base   *http.Transport
}

// inBubbles runs a test over HTTP/1 and HTTP/2, in bubbles, where waits take no time.
func inBubbles(t *testing.T, faults []httpfault.Step, test func(*testing.T, *caller)) {
	t.Helper()
	for _, protocol := range []httpfault.Protocol{httpfault.HTTP1, httpfault.H2C} {
		t.Run(protocol.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &caller{echo: newEcho()}
				config := httpfault.Config{Pipe: true, Protocol: protocol, Default: httpfault.Handle(c.mux)}
				c.server = config.NewServer(t, faults...)
				c.base = c.server.Transport()
				defer c.base.CloseIdleConnections()
				test(t, c)
			})
		})
	}
}

// A way is how a call is made.
type way struct {
	procedure string
	key       bool // the request has one
	mark      bool // the context says that it may be repeated
	timeout   time.Duration
	options   []connect.ClientOption
}

var byGET = way{procedure: readProcedure, options: []connect.ClientOption{
	connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects),
}}

func (c *caller) prepare(
	ctx context.Context, w way, message string,
) (context.Context, *connect.Client[text, text], *connect.Request[text]) {
	client := &http.Client{Transport: retry.New(c.base, retry.Policy{AttemptTimeout: w.timeout})}
	request := connect.NewRequest(&text{Value: message})
	if w.key {
		request.Header().Set("Idempotency-Key", "8e03978e")
	}
	if w.mark {
		ctx = retry.AsIdempotent(ctx)
	}
	return ctx, connect.NewClient[text, text](client, c.server.URL+w.procedure, w.options...), request
}

// say makes a unary call and returns the answer.
func (c *caller) say(ctx context.Context, w way, message string) (string, error) {
	ctx, client, request := c.prepare(ctx, w, message)
	answer, err := client.CallUnary(ctx, request)
	if err != nil {
		return "", err
	}
	return answer.Msg.Value, nil
}

// count makes a call with a stream of answers, and returns how many came that are the message.
func (c *caller) count(ctx context.Context, w way, message string) (n int, err error) {
	ctx, client, request := c.prepare(ctx, w, message)
	stream, err := client.CallServerStream(ctx, request)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	for stream.Receive() {
		if stream.Msg().Value == message {
			n++
		}
	}
	return n, stream.Err()
}
