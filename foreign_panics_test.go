package retry_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// Promise 4, also if it is the body's own panic that ends the call.
func TestABodyThatPanicsIsClosedOnceAndSoIsTheBodyOfTheNextAttempt(t *testing.T) {
	panicking := func(<-chan struct{}) (int, error) { panic("mine") }
	for name, body := range map[string]*hostile{
		"Read":  {read: panicking, close: nothing},
		"Close": {read: eof, close: panicking},
		"both":  {read: panicking, close: panicking},
	} {
		synctest.Test(t, func(t *testing.T) {
			first := func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 503, ProtoMajor: 1, ContentLength: -1, Body: body, Request: req}, nil
			}
			o, s := place("PUT", "payload"), play(first, answer(200))
			func() {
				defer func() { _ = recover() }()
				drop(mustEnd(t, retry.New(s, every(time.Second)), o))
			}()
			assert.EqualValues(t, 1, body.closes.Load(), name)
			assert.Empty(t, s.left(o, nil), name)
		})
	}
}
