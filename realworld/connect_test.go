package realworld_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

var (
	limited    = httpfault.Status(http.StatusTooManyRequests).RetryAfter(time.Minute)
	overloaded = httpfault.Status(http.StatusServiceUnavailable)
)

// A call by POST is made once, unless it has a key or is marked. A procedure without side effects can be called by GET.
func TestACallOfConnectIsRepeatedIfItMayBe(t *testing.T) {
	post := way{procedure: sayProcedure}
	key, mark := post, post
	key.key, mark.mark = true, true
	large := strings.Repeat("large", 1<<18)
	for name, row := range map[string]struct {
		fault   httpfault.Step
		message string
		code    connect.Code // without a retry
	}{
		"503":               {overloaded, "hello", connect.CodeUnavailable},
		"429":               {limited, "hello", connect.CodeUnavailable},
		"closed":            {httpfault.Close(), "hello", connect.CodeUnavailable},
		"reset":             {httpfault.Reset(), "hello", connect.CodeCanceled}, // as connect has it
		"503 that is early": {overloaded.Early(), large, connect.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			for how, w := range map[string]way{"POST": post, "key": key, "mark": mark, "GET": byGET} {
				message := row.message
				if how == "GET" {
					message = "hello" // it is in the URL
				}
				t.Run(how, func(t *testing.T) {
					inBubbles(t, []httpfault.Step{row.fault}, func(t *testing.T, c *caller) {
						answer, err := c.say(t.Context(), w, message)
						if how == "POST" {
							assert.Equal(t, row.code, connect.CodeOf(err), "%v", err)
							assert.Len(t, c.server.Requests(), 1)
							assert.EqualValues(t, 0, c.done.Load())
							return
						}
						require.NoError(t, err)
						assert.True(t, answer == message, "the message is intact")
						assert.Len(t, c.server.Requests(), 2)
						assert.EqualValues(t, 1, c.done.Load())
					})
				})
			}
		})
	}
}

func TestACallOfConnectWhoseAnswerIsLost(t *testing.T) {
	for name, row := range map[string]struct {
		way      way
		done     int64
		succeeds bool
	}{
		"POST":            {way{procedure: sayProcedure}, 1, false},
		"POST with a key": {way{procedure: sayProcedure, key: true}, 2, true},
		"GET":             {byGET, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubbles(t, nil, func(t *testing.T, c *caller) {
				c.lost = true
				_, err := c.say(t.Context(), row.way, "hello")
				assert.Equal(t, row.succeeds, err == nil, "%v", err)
				assert.Equal(t, row.done, c.done.Load())
			})
		})
	}
}

// The last response is handed on unread, so that an error is what the service made it, with its details and metadata.
func TestAnErrorOfConnectIsIntact(t *testing.T) {
	for code, attempts := range map[connect.Code]int{
		connect.CodeInvalidArgument:   1, // 400
		connect.CodeNotFound:          1, // 404
		connect.CodeAborted:           1, // 409
		connect.CodeResourceExhausted: 4, // 429
		connect.CodeInternal:          4, // 500
		connect.CodeUnavailable:       4, // 503
		connect.CodeDeadlineExceeded:  4, // 504
	} {
		t.Run(code.String(), func(t *testing.T) {
			inBubbles(t, nil, func(t *testing.T, c *caller) {
				detail, err := connect.NewErrorDetail(&text{Value: "detail"})
				require.NoError(t, err)
				failure := connect.NewError(code, errors.New("the service says so"))
				failure.AddDetail(detail)
				failure.Meta().Set("X-Shard", "7")
				c.fails = failure

				_, err = c.say(t.Context(), byGET, "hello")
				requireIntact(t, failure, err)
				assert.Len(t, c.server.Requests(), attempts)
				_, err = c.say(t.Context(), way{procedure: sayProcedure}, "hello")
				requireIntact(t, failure, err)
				_, err = c.count(t.Context(), way{procedure: countProcedure, key: true}, "hello")
				requireIntact(t, failure, err)
				assert.Len(t, c.server.Requests(), attempts+2, "the error of a stream comes with a 200")
			})
		})
	}
}

func requireIntact(t *testing.T, want *connect.Error, err error) {
	t.Helper()
	var have *connect.Error
	require.ErrorAs(t, err, &have)
	assert.Equal(t, want.Code(), have.Code())
	assert.Equal(t, want.Message(), have.Message())
	assert.Equal(t, "7", have.Meta().Get("X-Shard"))
	require.Len(t, have.Details(), 1)
	assert.Equal(t, want.Details()[0].Bytes(), have.Details()[0].Bytes())
}

// A stream is repeated until its answer begins, if it may be. No timeout of an attempt cuts it, and what breaks in the
// middle is not begun anew.
func TestAStreamOfConnectIsRepeatedUntilItBegins(t *testing.T) {
	for name, row := range map[string]struct {
		faults   []httpfault.Step
		lost     bool
		mark     bool
		requests int
		messages int
		succeeds bool
	}{
		"no trouble":         {nil, false, false, 1, 5, true},
		"503":                {[]httpfault.Step{overloaded}, false, false, 1, 0, false},
		"503, marked":        {[]httpfault.Step{overloaded}, false, true, 2, 5, true},
		"429, marked":        {[]httpfault.Step{limited}, false, true, 2, 5, true},
		"reset, marked":      {[]httpfault.Step{httpfault.Reset()}, false, true, 2, 5, true},
		"silence, marked":    {[]httpfault.Step{httpfault.Hang()}, false, true, 2, 5, true},
		"broken off, marked": {nil, true, true, 1, 2, false},
	} {
		for protocol, o := range map[string][]connect.ClientOption{
			"connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
		} {
			t.Run(name+" by "+protocol, func(t *testing.T) {
				inBubbles(t, row.faults, func(t *testing.T, c *caller) {
					c.lost = row.lost
					w := way{procedure: countProcedure, mark: row.mark, timeout: 10 * time.Second, options: o}
					n, err := c.count(t.Context(), w, "hello")
					assert.Equal(t, row.succeeds, err == nil, "%v", err)
					assert.Equal(t, row.messages, n)
					assert.Len(t, c.server.Requests(), row.requests)
				})
			})
		}
	}
}
