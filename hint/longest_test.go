package hint_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry/hint"
)

func readAll(resp *http.Response) (string, error) {
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func wait(d time.Duration, ok bool) func(*http.Response, time.Time) (time.Duration, bool) {
	return func(*http.Response, time.Time) (time.Duration, bool) { return d, ok }
}

func TestTheLongestOfSeveralWaitsCounts(t *testing.T) {
	none, short, long := wait(0, false), wait(time.Second, true), wait(time.Minute, true)
	resp := &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"30"}}}
	assert.Equal(t, "none", inWords(hint.Longest()(resp, now)))
	assert.Equal(t, "none", inWords(hint.Longest(none, none)(resp, now)))
	assert.Equal(t, "0s", inWords(hint.Longest(none, wait(0, true))(resp, now)))
	assert.Equal(t, "1m0s", inWords(hint.Longest(short, none, long, short)(resp, now)))
	assert.Equal(t, "30s", inWords(hint.Longest(short, nil)(resp, now)), "nil is Retry-After")
	assert.Equal(t, "1m0s", inWords(hint.Longest(hint.Longest(long), nil)(resp, now)))
}
