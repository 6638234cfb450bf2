package retry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// The response codes of RFC 1035 section 4.1.1.
const (
	dnsServFail = 2
	dnsNXDomain = 3
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// primeResolver resolves a name, without asking anybody. Package net makes a channel at its first lookup, which must
// not happen in a bubble: other tests use it too.
var primeResolver = sync.OnceFunc(func() {
	r := resolver(func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed })
	_, _ = r.LookupHost(context.Background(), "host.retry.test.")
})

// resolver returns Go's own resolver, which asks the name server that dial reaches.
func resolver(dial dialFunc) *net.Resolver { return &net.Resolver{PreferGo: true, Dial: dial} }

// nameServer answers every question with rcode, over UDP on the loopback interface.
func nameServer(t *testing.T, rcode byte) dialFunc {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(dnsAnswer(packet[:n], rcode), from)
		}
	})
	t.Cleanup(func() {
		pc.Close()
		running.Wait()
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}
}

// dnsAnswer returns the answer to a query of one question: its header and question, without any record.
func dnsAnswer(query []byte, rcode byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	answer := append([]byte(nil), query[:min(end+5, len(query))]...)
	answer[2] |= 0x80                   // it is an answer
	answer[3] = 0x80 | rcode            // recursion is available
	copy(answer[6:12], make([]byte, 6)) // no records
	return answer
}

func TestNamesThatDoNotResolve(t *testing.T) {
	resolving := func(server func(*testing.T) dialFunc) setup {
		return func(t *testing.T) http.RoundTripper {
			d := net.Dialer{Resolver: resolver(server(t))}
			return dialing(t, http1, d.DialContext)
		}
	}
	away := func(t *testing.T) dialFunc {
		srv := httpfault.NewServer(t)
		srv.Down()
		return srv.DialContext
	}
	silent := func(t *testing.T) dialFunc { return serveRaw(t, http1, stalled).DialContext }
	const url = "http://host.retry.test./"
	unfold(t, false, url, []failure{
		{name: "no such host", text: "no such host", class: retry.Final,
			base: resolving(func(t *testing.T) dialFunc { return nameServer(t, dnsNXDomain) })},
		{name: "the name server fails", text: "server misbehaving", class: retry.Unprocessed,
			base: resolving(func(t *testing.T) dialFunc { return nameServer(t, dnsServFail) })},
		{name: "the name server is away", text: "lookup", class: retry.Unprocessed, base: resolving(away)},
	})
	unfold(t, true, url, []failure{
		{name: "the name server does not answer", text: "i/o timeout", class: retry.Unprocessed, base: resolving(silent)},
	})
}

func TestASchemeOfABasesOwnIsNoDefect(t *testing.T) {
	registered := func(err error) setup {
		return func(*testing.T) http.RoundTripper {
			tr := &http.Transport{}
			tr.RegisterProtocol("http+unix", roundTripperFunc(func(r *http.Request) (*http.Response, error) {
				r.Body.Close()
				return nil, err
			}))
			return tr
		}
	}
	const url = "http+unix://socket/path"
	unfold(t, false, url, []failure{
		{name: "an error without a type", text: "socket is busy", class: retry.Transient,
			base: registered(errors.New("socket is busy"))},
		{name: "refused", text: "dial", class: retry.Unprocessed, base: registered(errDialRefused)},
		{name: "reset", text: "reset", class: retry.Transient, base: registered(errPeerReset)},
		{name: "not registered", text: `unsupported protocol scheme "http+unix"`, class: retry.Final,
			base: func(*testing.T) http.RoundTripper { return new(http.Transport) }},
	})
}

// What a body's Read returns comes back from net/http as it is, as if it were the connection's. A fresh body may do
// better.
func TestTheErrorOfTheBodysSourceIsTransientAndNoProof(t *testing.T) {
	for _, broken := range []error{errFileGone, errDialRefused} {
		overBoth(t, func(t *testing.T, proto string) {
			for method, want := range map[string]int{"PUT": 3, "POST": 1} {
				var received atomic.Int32
				s, tr := serve(t, proto, func(_ http.ResponseWriter, r *http.Request) {
					text, _ := io.ReadAll(r.Body)
					received.Add(int32(strings.Count(string(text), "record")))
				}), new(trail)
				req := newRequest(t, method, "http://example.com/", "")
				req.ContentLength = -1
				req.GetBody = func() (io.ReadCloser, error) {
					pr, pw := io.Pipe()
					go func() {
						_, _ = io.WriteString(pw, "record record ")
						pw.CloseWithError(broken)
					}()
					return pr, nil
				}
				req.Body, _ = req.GetBody()
				_, err := retry.New(s.base, tr.eager(3)).RoundTrip(req)
				require.ErrorIs(t, err, broken, method)
				require.Len(t, tr.steps, want, method)
				assert.Equal(t, retry.Transient, tr.last().Class, method)
				checkOutcome(t, tr, err)
				synctest.Wait()
				assert.LessOrEqual(t, int(received.Load()), 2*want, "records by %s", method)
			}
		})
	}
}

// Only a body that is known to read from memory or a file has no errors that a connection has.
func TestOnlyBodiesWithoutANetworkLetAPOSTBeUnprocessed(t *testing.T) {
	text, file := strings.NewReader("x"), note(t, "x")
	defer file.Close()
	for want, bodies := range map[retry.Class]map[string]io.Reader{
		retry.Unprocessed: {
			"none": nil, "NoBody": http.NoBody, "strings.Reader": text, "bytes.Reader": bytes.NewReader(nil),
			"bytes.Buffer": new(bytes.Buffer), "file": file, "NopCloser of a NopCloser": io.NopCloser(io.NopCloser(text)),
			"part": io.LimitReader(text, 1), "part of a file": io.NewSectionReader(text, 0, 1),
			"file by SetBody": setBody(file), "memory by SetBody": setBody(text),
			"part by SetBody": setBody(io.NewSectionReader(text, 0, 1)),
		},
		retry.Transient: {
			"pipe": newPipe(), "NopCloser of a pipe": io.NopCloser(newPipe()), "several readers": io.MultiReader(text),
			"part of a pipe": io.LimitReader(newPipe(), 1), "NopCloser of nil": io.NopCloser(nil),
			"wrapped":                   struct{ io.Reader }{text},
			"part of what is elsewhere": io.NewSectionReader(elsewhere{}, 0, 1),
			"elsewhere by SetBody":      setBody(elsewhere{}),
		},
	} {
		for name, body := range bodies {
			req := newRequest(t, "POST", "http://example.com/", "")
			if c, ok := body.(io.ReadCloser); ok {
				req.Body = c
			} else if body != nil {
				req.Body = io.NopCloser(body)
			}
			assert.Equal(t, want, retry.Classify(retry.Attempt{Request: req, Err: errDialRefused}), name)
		}
	}
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Err: errDialRefused}),
		"no request, so its body is not known")
}

// setBody is the body that SetBody makes of r.
func setBody(r io.ReaderAt) io.Reader {
	req := new(http.Request)
	retry.SetBody(req, r, 1)
	return req.Body
}

// elsewhere can be read at an offset, over a network.
type elsewhere struct{}

func (elsewhere) ReadAt([]byte, int64) (int, error) { return 0, errDialRefused }

func newPipe() io.Reader {
	r, _ := io.Pipe()
	return r
}

// A connection that is refused has sent nothing: of a file, which each attempt reads by a body of this package, or of
// a body in memory with trailers.
func TestAPOSTIsSentAgainIfNobodyWasThere(t *testing.T) {
	file := putting(t, note(t, "payload"))
	file.Method = "POST"
	trailing := place("POST", "payload")
	trailing.Trailer, trailing.ContentLength = http.Header{"X-Sum": {"1"}}, -1
	for _, req := range []*http.Request{file, trailing.Request} {
		s := play(fail(errDialRefused), fail(errDialRefused), answer(200))
		mustEnd(t, retry.New(s, every(0)), &order{Request: req})
		assert.Equal(t, []string{"payload", "payload", "payload"}, s.texts())
	}
}
