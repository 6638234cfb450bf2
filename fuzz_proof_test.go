package retry_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// dice are the choices of a run, which the fuzzer makes.
type dice struct{ bytes []byte }

// roll returns a number below n, zero when the bytes are used up.
func (d *dice) roll(n int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % n
}

func pick[T any](d *dice, choices ...T) T { return choices[d.roll(len(choices))] }

// seed adds n runs of so many choices.
func seed(f *testing.F, n, size int) {
	random := rand.NewChaCha8([32]byte{})
	for range n {
		choices := make([]byte, size)
		_, _ = random.Read(choices)
		f.Add(choices)
	}
}

// A cause sends a request through net/http to a server of its own, and so has the error that net/http makes of it.
type cause struct {
	base   http.RoundTripper
	url    string
	proves bool // nothing was sent, or it was refused unseen, and the error is enough to know it
}

// causes makes one of each kind. What a server reads whole is counted in acted.
func causes(t *testing.T, acted *atomic.Int32) []cause {
	const plain, secure = "http://example.com/", "https://example.com/"
	closed := meeting(plainHTTP, httpfault.Refuse())
	seen := func(p httpfault.Protocol, step httpfault.Step) http.RoundTripper {
		base := doing(p, step)(t)
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) { acted.Add(1); return base.RoundTrip(req) })
	}
	redirect := httpfault.Status(307).Header("Location", "http://away.example/")
	return []cause{
		{closed(t), plain, true},
		{closed(t), secure, true},
		{closed.via(proxyURL)(t), plain, true},
		{closed.via(proxyURL)(t), secure, true},
		{meeting(overTLS1, httpfault.TLSStall()).tuned(hastyTLS)(t), secure, true},
		{doing(overHTTP2, httpfault.RSTStream(httpfault.RefusedStream))(t), plain, true},
		{seen(plainHTTP, httpfault.Close()), plain, false},
		{seen(plainHTTP, httpfault.Reset()), plain, false},
		{seen(overHTTP2, httpfault.RSTStream(httpfault.InternalError)), plain, false},
		{seen(overHTTP2, httpfault.Close()), plain, false},
		{doing(plainHTTP, httpfault.Status(503)).via(proxyURL)(t), secure, false},
		{meeting(overTLS1, httpfault.TLSUnknownCA())(t), secure, false},
		{handshake(func(server, _ *tls.Config) { server.Certificates = nil })(t), secure, false},
		{redirecting{seen(plainHTTP, redirect), closed(t)}, plain, false},
	}
}

// redirecting is a base that is itself a client: it follows a redirect to a server that is away.
type redirecting struct{ first, second http.RoundTripper }

func (r redirecting) RoundTrip(req *http.Request) (*http.Response, error) {
	own := *req
	own.RequestURI = ""
	return (&http.Client{Transport: roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host == "away.example" {
			return r.second.RoundTrip(req)
		}
		return r.first.RoundTrip(req)
	})}).Do(&own)
}

// A proof is a POST through a base that does, in each attempt, what dice choose, and tells of it in an error of any
// shape.
type proof struct {
	dice   *dice
	causes []cause
	acted  atomic.Int32
	memory bool // the request's body is known to be there
	bare   bool // the last attempt's error is that of one cause as it is, which proves it
	late   *http.Response
}

func (p *proof) RoundTrip(req *http.Request) (*http.Response, error) {
	p.bare, p.late = false, nil
	err := p.tree(req, 3)
	if req.Body != nil {
		req.Body.Close()
	}
	return p.late, err
}

// send sends a copy of req by a cause.
func (p *proof) send(req *http.Request, c cause) error {
	own := req.Clone(req.Context())
	own.URL, _ = url.Parse(c.url)
	own.Host = ""
	if req.GetBody != nil {
		own.Body, _ = req.GetBody()
	}
	resp, err := c.base.RoundTrip(own)
	drop(resp)
	return err
}

// tree is an error made of what came of one request, or of several.
func (p *proof) tree(req *http.Request, depth int) error {
	shape := p.dice.roll(9)
	if depth == 0 || shape < 3 {
		c := p.causes[p.dice.roll(len(p.causes))]
		p.bare = depth == 3 && c.proves
		return p.send(req, c)
	}
	switch one := p.tree(req, depth-1); shape {
	case 3:
		return errors.Join(one, p.tree(req, depth-1))
	case 4:
		return fmt.Errorf("%w, then %w", one, p.tree(req, depth-1))
	case 5: // a step that went well came before
		p.acted.Add(1)
		return fmt.Errorf("second step: %w", one)
	case 6:
		p.acted.Add(1)
		return &url.Error{Op: "Post", URL: "http://other.example/", Err: one}
	case 7:
		p.acted.Add(1)
		return &retry.Error{Attempts: 2, Err: one}
	default:
		p.acted.Add(1)
		drop(p.late)
		p.late, _ = answer(200)(req)
		return one
	}
}

// body returns one that is in memory, or one that is fed by a server and fails as that does.
func (p *proof) body() func() (io.ReadCloser, error) {
	if p.memory = p.dice.roll(4) > 0; p.memory {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("payload")), nil }
	}
	source := p.causes[p.dice.roll(5)]
	return func() (io.ReadCloser, error) {
		req, _ := http.NewRequest("GET", source.url, nil)
		_, err := source.base.RoundTrip(req)
		return io.NopCloser(io.MultiReader(strings.NewReader("record"), iotest.ErrReader(err))), nil
	}
}

// FuzzProof checks the seventh promise: a POST without a key is sent again only if no server has acted on it.
func FuzzProof(f *testing.F) {
	seed(f, 200, 24)
	primeResolver()
	f.Fuzz(func(t *testing.T, choices []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := &proof{dice: &dice{choices}}
			p.causes = causes(t, &p.acted)
			req := newRequest(t, "POST", "http://example.com/", "")
			req.GetBody, req.ContentLength = p.body(), -1
			req.Body, _ = req.GetBody()
			tr := new(trail)
			policy := tr.eager(3)
			policy.OnAttempt = func(a retry.Attempt, d retry.Decision) {
				synctest.Wait()
				assert.False(t, d.Retry && p.acted.Load() > 0, "a server has acted on it, and it is sent again after: %v", a.Err)
				assert.False(t, p.bare && p.memory && d.Class != retry.Unprocessed, "nobody has seen it, but it is %v: %v",
					d.Class, a.Err)
			}
			_, err := retry.New(p, policy).RoundTrip(req)
			assert.Error(t, err)
		})
	})
}
