package e2e_test

import (
	"time"

	"github.com/stretchr/testify/assert"
)

// checkClosed demands, a moment after the end of the call, that every response but the one returned has been closed,
// and that none is read by then.
func (o *hostileOrder) checkClosed() {
	for i, a := range o.attempts {
		if a.page == nil {
			continue
		}
		a.page.mu.Lock()
		closes := a.page.closes
		a.page.mu.Unlock()
		assert.Equal(o.scene, 1, closes, "promise 4: the response of attempt %d is closed once", i+1)
	}
}

// checkBodies looks at all bodies when everything is over.
func (o *hostileOrder) checkBodies() {
	for i, a := range o.attempts {
		if a.page == nil {
			continue
		}
		given := o.returned
		if i+1 < len(o.attempts) {
			given = o.attempts[i+1].start
		}
		assert.Equal(o.scene, 1, a.page.closes, "promise 4: the response of attempt %d is closed once", i+1)
		for _, at := range a.page.reads {
			assert.LessOrEqual(o.scene, at.Sub(given), time.Duration(0),
				"promise 11: it is not read after it was given up")
		}
	}
	for i, b := range o.sources {
		if b.loose {
			assert.Positive(o.scene, b.closes, "promise 4: body %d of the request is closed", i+1)
			continue
		}
		assert.Equal(o.scene, b.handed-b.kept, b.closes, "promise 4: body %d of the request is closed once", i+1)
	}
	if o.scene.policy.AttemptTimeout <= 0 || !o.lone() {
		return
	}
	for i, a := range o.attempts {
		if a.resp == nil || a.resp.StatusCode != 101 {
			assert.Error(o.scene, a.req.Context().Err(), "promise 10: the context of attempt %d has ended", i+1)
		}
	}
}
