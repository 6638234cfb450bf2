package retry_test

import (
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// later is a time at which no clock here is.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func settled(status int) retry.Attempt {
	u := &url.URL{Scheme: "http", Host: "settle.example", Path: "/"}
	a := retry.Attempt{Number: 1, Request: &http.Request{Method: "GET", Header: http.Header{}, URL: u}}
	if status == 0 {
		a.Err = os.ErrDeadlineExceeded
		return a
	}
	a.Response = &http.Response{StatusCode: status, Header: http.Header{}, Request: a.Request}
	return a
}

func TestDecideSettlesAtTheTimeThatItIsGiven(t *testing.T) {
	p, a := retry.Policy{Budget: new(retry.Budget)}, settled(200)
	for i := range 640 {
		p.Decide(a, later.Add(time.Duration(i)*100*time.Millisecond))
	}
	assert.InDelta(t, 150, p.Budget.Balance(a.Request.URL), 10, "15 s of ten successes a second")
}

func TestAbandonGivesBackWhatTheRetryHasTaken(t *testing.T) {
	for status, price := range map[int]float64{503: 1, 429: 0.2, 0: 1.5} {
		p, a := retry.Policy{Budget: new(retry.Budget)}, settled(status)
		d := p.Decide(a, later)
		assert.True(t, d.Retry)
		assert.InDelta(t, 5-price, p.Budget.Balance(a.Request.URL), 1e-9)
		p.Abandon(a, d, later)
		assert.InDelta(t, 5, p.Budget.Balance(a.Request.URL), 1e-9)
		assert.NotPanics(t, func() { retry.Policy{}.Abandon(a, d, later) })
	}
}
