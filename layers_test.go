package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// deaf is a reply that takes d, and does not heed its context.
func deaf(d time.Duration, then reply) reply {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(d)
		return then(req)
	}
}

// layerRows are what the attempts of a request meet, the last of it again and again, and what all of it asks for.
var layerRows = map[string]struct {
	replies []reply
	wish    time.Duration
}{
	"503":                       {[]reply{answer(503)}, 0},
	"reset":                     {[]reply{fail(errPeerReset)}, 0},
	"a stall":                   {[]reply{late(time.Minute, answer(503))}, 0},
	"a stall after a 503":       {[]reply{answer(503), late(time.Minute, answer(503))}, 0},
	"a late answer after two":   {[]reply{fail(errPeerReset), answer(503), deaf(3*time.Second, answer(503))}, 0},
	"a late error after a 503":  {[]reply{answer(503), deaf(3*time.Second, fail(errPeerReset))}, 0},
	"a late answer that asks":   {[]reply{deaf(3*time.Second, answer(503, "Retry-After", "9"))}, 9 * time.Second},
	"an answer in time, asking": {[]reply{answer(503, "Retry-After", "2")}, 2 * time.Second},
}

// Promises 13 and 8, whichever of the layers have a timeout, and whether or not what stands between them clones the
// request.
func TestPromise13_HoldsForAnyNumberOfLayers(t *testing.T) {
	for outcome, row := range layerRows {
		for _, middle := range []string{"none", "one that clones and adds a header"} {
			for layers := 2; layers <= 4; layers++ {
				for timeouts := range 1 << layers { // a bit for each layer, from the innermost on
					for method, body := range map[string]string{"GET": "", "PUT": "payload"} {
						name := fmt.Sprintf("%s, %s, %s, %d layers, timeouts %04b", method, outcome, middle, layers, timeouts)
						s := askThrough(t, place(method, body), row.replies, layers, timeouts, middles[middle])
						assert.Equal(t, 4, s.attempts(), name)
						for i, one := range s.sent[1:] {
							assert.GreaterOrEqual(t, one.at-s.sent[i].done, row.wish, name)
						}
					}
				}
			}
		}
	}
}

func askThrough(
	t *testing.T, o *order, replies []reply, layers, timeouts int, middle func(http.RoundTripper) http.RoundTripper,
) (s *script) {
	synctest.Test(t, func(t *testing.T) {
		s = play(replies...)
		client := http.RoundTripper(s)
		for layer := range layers {
			p := every(time.Second)
			if timeouts>>layer&1 == 1 {
				p.AttemptTimeout = 2500 * time.Millisecond
			}
			client = middle(retry.New(client, p))
		}
		resp, _ := client.RoundTrip(o.Request)
		drop(resp)
	})
	return s
}

// What stands between may hide the outer layer from the inner one, whose few attempts then count from 1 each time.
func TestAnInnerTransportThatStartsAnewTakesNoAttemptsBack(t *testing.T) {
	s := play(fail(errPeerReset))
	inner := retry.New(s, retry.Policy{MaxAttempts: 2, Backoff: retry.Constant(0), Budget: retry.Unlimited})
	hiding := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		return inner.RoundTrip(req.WithContext(context.Background()))
	})
	_, err := retry.New(hiding, noWait).RoundTrip(place("GET", "").Request)
	whole, ok := errors.AsType[*retry.Error](err)
	assert.True(t, ok && whole.Attempts == 4, err)
	assert.Equal(t, 3*2, s.attempts())
}
