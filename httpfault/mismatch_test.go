package httpfault_test

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func TestStepsLeftOverFailTheTestAndShowBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := failuresOf(func(tb testing.TB) {
			srv := httpfault.Config{Pipe: true}.NewServer(tb,
				httpfault.Status(503).Body("busy"), httpfault.OK("x").Times(3), httpfault.Reset())
			srv.On("/a", httpfault.OK("a"), httpfault.OK("b"))
			get(t, srv, "/first")
			time.Sleep(1500 * time.Millisecond)
			resp, err := srv.Client().Post(srv.URL+"/second", "text/plain", bytes.NewReader(make([]byte, 10)))
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			get(t, srv, "/a")
		})
		assert.Equal(t, `httpfault: script and requests differ: 4 steps left over, 0 requests beyond the script
script:
	1. Status(503).Body("busy"): used by request 1
	2. OK("x").Times(3): used by request 2; 2 left over
	3. Reset(): LEFT OVER
script On("/a"):
	1. OK("a"): used by request 3
	2. OK("b"): LEFT OVER
requests:
	1. GET /first, HTTP/1.1, connection 1, 0s after the start, body of 0 bytes, whole: step 1
	2. POST /second, HTTP/1.1, connection 1, 1.5s after the start, body of 10 bytes, whole: step 2
	3. GET /a, HTTP/1.1, connection 1, 1.5s after the start, body of 0 bytes, whole: step 1 of On("/a")
`, got)
	})
}

func TestRequestsBeyondAStrictScriptFailTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := failuresOf(func(tb testing.TB) {
			cfg := httpfault.Config{Pipe: true, Strict: true, Default: httpfault.Status(599)}
			srv := cfg.NewServer(tb, httpfault.ResetOnAccept(), httpfault.OK("x"))
			_, err := srv.Client().Get(srv.URL)
			assert.Error(t, err)
			get(t, srv, "/one")
			assert.Equal(t, "599 ", get(t, srv, "/two"))
		})
		assert.Equal(t, `httpfault: script and requests differ: 0 steps left over, 1 request beyond the script
script:
	1. ResetOnAccept(): used by connection 1
	2. OK("x"): used by request 1
requests:
	1. GET /one, HTTP/1.1, connection 2, 0s after the start, body of 0 bytes, whole: step 2
	2. GET /two, HTTP/1.1, connection 2, 0s after the start, body of 0 bytes, whole: beyond the script
`, got)
	})
}

func TestAStrictServerWithNoStepsWantsNoRequests(t *testing.T) {
	got := failuresOf(func(tb testing.TB) {
		get(t, httpfault.Config{Strict: true}.NewServer(tb), "/")
	})
	assert.Contains(t, got, "0 steps left over, 1 request beyond the script\nscript:\n\tno steps\n")
}

func TestAPanickingHandlerFailsTheTest(t *testing.T) {
	for _, p := range protocols {
		got := failuresOf(func(tb testing.TB) {
			oh := func(http.ResponseWriter, *http.Request) { panic("oh") }
			srv := httpfault.Config{Protocol: p}.NewServer(tb, httpfault.HandleFunc(oh))
			_, err := srv.Client().Get(srv.URL)
			assert.Error(t, err)
		})
		assert.Contains(t, got, "httpfault: request 1: HandleFunc panicked: oh\n")
	}
	got := failuresOf(func(tb testing.TB) {
		abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		srv := httpfault.NewServer(tb, httpfault.HandleFunc(abort))
		_, err := srv.Client().Get(srv.URL)
		assert.Error(t, err)
	})
	assert.Empty(t, got)
}

func TestWhatMakesNoSenseFailsAtOnce(t *testing.T) {
	for _, c := range []struct {
		step httpfault.Step
		want string
	}{
		{httpfault.Status(0), "Status(0): no status code of a final response"},
		{httpfault.Status(101), "Status(101): no status code of a final response"},
		{httpfault.Status(1000), "Status(1000): no status code of a final response"},
		{httpfault.Handle(nil), "Handle: the handler is nil"},
		{httpfault.HandleFunc(nil), "HandleFunc: the handler is nil"},
		{httpfault.Handle(http.NotFoundHandler()).Early(), "Handle.Early(): the body is the handler's to read"},
		{httpfault.OK("x").Times(0), `OK("x").Times(0): a step happens at least once`},
		{httpfault.OK("x").Latency(-1), `OK("x").Latency(-1ns): a negative duration`},
		{httpfault.OK("x").Drip(0, 1), `OK("x").Drip(0, 1ns): a piece has at least one byte`},
		{httpfault.OK("x").Drip(1, -1), `OK("x").Drip(1, -1ns): a negative duration`},
		{httpfault.Status(200).BodySize(-1), "Status(200).BodySize(-1): a negative size"},
		{
			httpfault.Status(503).RetryAfter(-time.Second),
			"Status(503).RetryAfter(-1s): Retry-After has whole seconds, and no negative ones",
		},
		{
			httpfault.Status(503).RetryAfter(1500 * time.Millisecond),
			"Status(503).RetryAfter(1.5s): Retry-After has whole seconds, and no negative ones",
		},
		{httpfault.Status(503).RetryAfterDate(0, 3), "Status(503).RetryAfterDate(0s, 3): no DateForm has the number 3"},
		{httpfault.OK("x").Header("", "v"), `OK("x").Header("", "v"): "" is no field name`},
		{httpfault.OK("x").Header("bad name", "v"), `OK("x").Header("bad name", "v"): "bad name" is no field name`},
		{
			httpfault.OK("x").Header("A", "b\nc"),
			`OK("x").Header("A", "b\nc"): a field's value has no control characters`,
		},
		{httpfault.OK("x").Trailer("A", "\x7f"), `OK("x").Trailer("A", "\x7f"): a field's value has no control characters`},
		{httpfault.Upgrade("a\r\nb"), `Upgrade("a\r\nb"): a field's value has no control characters`},
		{
			httpfault.OK("x").Header("content-length", "+1"),
			`OK("x").Header("content-length", "+1"): a length has digits alone; for another see Raw`,
		},
		{httpfault.OK("x").Trailer("A:", "v"), `OK("x").Trailer("A:", "v"): "A:" is no field name`},
		{
			httpfault.OK("x").Trailer("content-length", "1"),
			`OK("x").Trailer("content-length", "1"): the field is not allowed in a trailer`,
		},
		{
			httpfault.OK("x").Informational(200, 1),
			`OK("x").Informational(200, 1): 200 is no informational status code; for 101 see Upgrade`,
		},
		{
			httpfault.OK("x").Informational(101, 1),
			`OK("x").Informational(101, 1): 101 is no informational status code; for 101 see Upgrade`,
		},
		{httpfault.OK("x").Informational(103, 0), `OK("x").Informational(103, 0): 0 is no number of responses`},
		{httpfault.OK("abc").CutBody(-1), `OK("abc").CutBody(-1): a negative size`},
		{httpfault.OK("abc").CutBody(3), `OK("abc").CutBody(3): CutBody(3) comes after the end of the content`},
		{httpfault.OK("abc").ResetBody(4), `OK("abc").ResetBody(4): ResetBody(4) comes after the end of the content`},
		{httpfault.OK("abc").CutBody(1).StallBody(1), `OK("abc").CutBody(1).StallBody(1): the content is cut twice`},
		{
			httpfault.Status(200).EndlessBody().Gzip(),
			"Status(200).EndlessBody().Gzip(): content without end can't be compressed",
		},
		{
			httpfault.Status(200).Gzip().BodySize(math.MaxInt64),
			"Status(200).Gzip().BodySize(9223372036854775807): more than 1 GiB of content can't be compressed",
		},
		{httpfault.Status(204).Body("x"), `Status(204).Body("x"): a response with this status has no content`},
		{httpfault.Reset().Body("x"), `Reset().Body("x"): the step does not answer with a status`},
		{httpfault.Close().Close(), "Close().Close(): the step does not answer with a status"},
		{httpfault.Refuse().Early(), "Refuse().Early(): the step takes a connection, not a request"},
		{httpfault.Refuse().Latency(1), "Refuse().Latency(1ns): a refused connection has no latency"},
		{httpfault.Upgrade(""), `Upgrade(""): no protocol to switch to`},
		{httpfault.OK("x").CloseIdle(-1), `OK("x").CloseIdle(-1ns): a negative duration`},
		{httpfault.RSTStream(httpfault.Cancel), "RSTStream(8): needs HTTP/2, and the server is for HTTP1"},
		{httpfault.GoAway(1<<31, 0), "GoAway(2147483648, 0): no stream has a number above 2147483647"},
		{httpfault.TLSStall(), "TLSStall(): needs TLS, and the server is for HTTP1"},
	} {
		got := failuresOf(func(tb testing.TB) { httpfault.NewServer(tb, httpfault.OK("fine"), c.step) })
		assert.Equal(t, "httpfault: step 2: "+c.want, got)
	}
}

func TestAConfigThatMakesNoSenseFailsAtOnce(t *testing.T) {
	for want, test := range map[string]func(testing.TB){
		"Config.Protocol: no Protocol has the number 4": func(tb testing.TB) {
			httpfault.Config{Protocol: 4}.NewServer(tb)
		},
		"Config.Default: Status(7): no status code of a final response": func(tb testing.TB) {
			httpfault.Config{Default: httpfault.Status(7)}.NewServer(tb)
		},
		"Config.Default: Refuse() takes a connection, not a request": func(tb testing.TB) {
			httpfault.Config{Default: httpfault.Refuse()}.NewServer(tb)
		},
		"step 1: Upgrade(\"x\"): needs HTTP/1, and the server is for H2C": func(tb testing.TB) {
			httpfault.Config{Protocol: httpfault.H2C}.NewServer(tb, httpfault.Upgrade("x"))
		},
		`On("a"): a path begins with a slash`: func(tb testing.TB) {
			httpfault.NewServer(tb).On("a", httpfault.OK(""))
		},
		`On("/a"): no steps`: func(tb testing.TB) { httpfault.NewServer(tb).On("/a") },
		`On("/a"): step 1: Refuse() takes a connection, which has no path`: func(tb testing.TB) {
			httpfault.NewServer(tb).On("/a", httpfault.Refuse())
		},
	} {
		assert.Equal(t, "httpfault: "+want, failuresOf(test))
	}
}

func TestAServerOnLoopbackInABubbleFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := failuresOf(func(tb testing.TB) { httpfault.NewServer(tb, httpfault.OK("x")) })
		assert.Equal(t, "httpfault: a server in a bubble of testing/synctest needs Config.Pipe: "+
			"the clock of one stands still while a socket is waited for", got)
	})
}

func TestAStepIsAValue(t *testing.T) {
	base := httpfault.Status(503).Header("A", "1")
	one, two := base.Header("B", "2"), base.Header("C", "3")
	srv := httpfault.NewServer(t, one, two, base)
	for _, want := range [][3]string{{"1", "2", ""}, {"1", "", "3"}, {"1", "", ""}} {
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, want, [3]string{resp.Header.Get("A"), resp.Header.Get("B"), resp.Header.Get("C")})
	}
}
