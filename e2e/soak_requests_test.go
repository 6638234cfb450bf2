package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// soakRefusal is the one step of a soak by which the server says that it did not act on the request.
var soakRefusal = httpfault.RSTStream(httpfault.RefusedStream)

// soakFaults are failures of one attempt, for HTTP/1 and HTTP/2.
func soakFaults(http2 bool) []httpfault.Step {
	unavailable := httpfault.Status(503).Body("not now")
	faults := []httpfault.Step{
		httpfault.Status(408).Body("not now"),
		httpfault.Status(425),
		httpfault.Status(429).Header("Retry-After-Ms", "20"),
		httpfault.Status(500).BodySize(64 << 10),
		httpfault.Status(502).BodySize(300 << 10), // more than is drained
		httpfault.Status(503).BodySize(64 << 10).Chunked(),
		httpfault.Status(503).BodySize(8 << 10).Gzip(),
		unavailable.Early(),
		unavailable.Latency(20 * time.Millisecond),
		unavailable.Informational(103, 2),
		httpfault.Status(503).EndlessBody(),
		httpfault.Status(503).BodySize(1 << 10).CutBody(100),
		httpfault.Status(503).BodySize(1 << 10).ResetBody(100),
		httpfault.Status(503).BodySize(1 << 10).StallBody(100),
		httpfault.Status(504).BodySize(100).Drip(1, 5*time.Millisecond),
		httpfault.Reset(),
		httpfault.Reset().Early(),
		httpfault.Close(),
		httpfault.Close().Early(),
		httpfault.MalformedStatus(),
		httpfault.MalformedHeader(),
	}
	if http2 {
		return append(faults,
			soakRefusal,
			httpfault.RSTStream(httpfault.InternalError),
			httpfault.RSTStream(httpfault.Cancel).Early(),
			httpfault.RSTStream(httpfault.EnhanceYourCalm),
			httpfault.GoAway(httpfault.MaxStream, httpfault.NoError),
			unavailable.GoAway(httpfault.MaxStream, httpfault.NoError),
		)
	}
	return append(faults,
		unavailable.Close(),
		unavailable.EarlyThenRead(),
		unavailable.CloseIdle(0),
		unavailable.TimeoutIdle(0),
		httpfault.CloseInHeader(),
		httpfault.ResetInHeader(),
	)
}

// receipt answers with the checksum of the request's body and with a page of the size that the query asks for.
func receipt(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		return
	}
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	w.Header().Set("Received", hex.EncodeToString(sum.Sum(nil)))
	_, _ = w.Write(soakPage(r.URL.Path, size))
}

// soakPage is a page that no other path has.
func soakPage(path string, size int) []byte {
	return bytes.Repeat([]byte(path+"\n"), size/len(path)+1)[:size]
}

// A soakWorker sends one request after the other.
type soakWorker struct {
	*testing.T
	r   *rand.Rand
	n   int
	sum *soakFigures
}

// A soakOrder is a request with what must become of it.
type soakOrder struct {
	*http.Request
	path     string
	size     int // of the page
	body     []byte
	mustWork bool // it may be sent again, and is not canceled
	canceled bool
}

func (w *soakWorker) send(s *soakSite, i int) {
	o := w.order(s, fmt.Sprintf("/%d/%d", w.n, i))
	w.sum.change(func(f *soakFigures) { f.requests++ })
	ctx, cancel := context.WithCancel(o.Context())
	defer cancel()
	if o.canceled {
		w.sum.change(func(f *soakFigures) { f.canceled++ })
		defer time.AfterFunc(time.Duration(w.r.IntN(20))*time.Millisecond, cancel).Stop()
	}
	resp, err := s.client.RoundTrip(o.Request.WithContext(ctx))
	if err != nil {
		w.sum.change(func(f *soakFigures) { f.errors++ })
		if o.mustWork {
			w.Errorf("%s %s: lost: %v", o.Method, o.URL, err)
		}
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.sum.change(func(f *soakFigures) { f.ended++ })
		if o.mustWork {
			w.Errorf("%s %s: lost: %s", o.Method, o.URL, resp.Status)
		}
		return
	}
	if retry.AttemptNumber(resp.Request.Context()) > 1 {
		w.sum.change(func(f *soakFigures) { f.recovered++ })
	}
	w.check(o, resp)
}

// check demands that what arrived is what was sent, in both directions. A connection may be reset while the page
// arrives; then the error must say so, and what came before it must be right.
func (w *soakWorker) check(o *soakOrder, resp *http.Response) {
	if got := resp.Header.Get("Received"); got != o.Header.Get("Sum") {
		w.Errorf("%s %s: the server received %s, want %s", o.Method, o.URL, got, o.Header.Get("Sum"))
	}
	if o.Method == http.MethodHead {
		return
	}
	want := soakPage(o.path, o.size)
	page, err := io.ReadAll(resp.Body)
	if err == nil && len(page) != len(want) || !bytes.HasPrefix(want, page) {
		w.Errorf("%s %s: the page is corrupt: %d bytes of %d", o.Method, o.URL, len(page), len(want))
	}
}

// order makes a request and gives the server its script.
func (w *soakWorker) order(s *soakSite, path string) *soakOrder {
	m := matrixMethods[w.r.IntN(len(matrixMethods))]
	o := &soakOrder{path: path, size: w.r.IntN(32 << 10), canceled: w.r.IntN(30) == 0}
	var body io.Reader
	replayable := true
	switch w.r.IntN(4) {
	case 0: // none
	case 1:
		o.body = w.bytes(soakSizes(s.http2)[3])
		body, replayable = io.MultiReader(bytes.NewReader(o.body)), false
	default:
		o.body = w.bytes(soakSizes(s.http2)[w.r.IntN(4)])
		body = bytes.NewReader(o.body)
	}
	method, _, keyed := strings.Cut(m.name, "+")
	req, err := http.NewRequestWithContext(w.Context(), method, fmt.Sprintf("%s%s?size=%d", s.URL, path, o.size), body)
	if err != nil {
		w.Error(err)
	}
	if keyed {
		req.Header.Set("Idempotency-Key", path)
	}
	if !m.idempotent {
		req.Header.Set("Once", "1")
	}
	sum := sha256.Sum256(o.body)
	req.Header.Set("Sum", hex.EncodeToString(sum[:]))
	o.Request, o.mustWork = req, m.idempotent && replayable && !o.canceled
	if steps := w.steps(s.http2); len(steps) > 0 {
		s.On(path, steps...)
	}
	return o
}

// soakSizes are limits of bodies. A long upload over HTTP/2 has little chance while other streams end the connection.
func soakSizes(http2 bool) [4]int {
	if http2 {
		return [4]int{1 << 6, 1 << 8, 1 << 13, 1 << 15}
	}
	return [4]int{1 << 8, 1 << 13, 1 << 16, 1 << 19}
}

// bytes returns from 1 to most random bytes.
func (w *soakWorker) bytes(most int) []byte {
	n := 1 + w.r.IntN(most)
	from := w.r.IntN(len(soakNoise) - n)
	return soakNoise[from : from+n]
}

var soakNoise = func() []byte {
	noise := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	return noise
}()

// steps returns up to four faults for one request, and none for one in three.
func (w *soakWorker) steps(http2 bool) (steps []httpfault.Step) {
	faults := soakFaults(http2)
	for range max(w.r.IntN(6)-1, 0) {
		steps = append(steps, faults[w.r.IntN(len(faults))])
	}
	if w.r.IntN(400) == 0 {
		steps = append(steps, httpfault.Hang())
	}
	return steps
}
