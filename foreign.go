package retry

import (
	"io"
	"net/http"
	"runtime"
	"time"
)

// A task is somebody else's code, a Close or a Read or a GetBody, in a goroutine of its own, because it may never
// return.
type task struct {
	done     chan struct{}
	returned bool
	panicked any
}

func begin(f func()) *task {
	t := &task{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		defer func() {
			// If it comes too late, nobody is left to hear of it, and the process must not die of it.
			t.panicked = recover()
		}()
		f()
		t.returned = true
	}()
	return t
}

// wait waits for t until limit is over, or until req must not be sent any more if it is not nil. It reports whether t
// has ended. A panic of t, or a Goexit, is then the caller's.
func (t *task) wait(limit time.Duration, req *http.Request) bool {
	var ended, cancel <-chan struct{}
	if req != nil {
		ended, cancel = req.Context().Done(), canceled(req)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
		return false
	case <-ended:
		return false
	case <-cancel:
		return false
	}
	switch {
	case t.returned:
	case t.panicked != nil:
		panic(t.panicked)
	default:
		runtime.Goexit()
	}
	return true
}

// grace is how long somebody else's code may take when there is no time left: long enough for all that does not block.
const grace = 10 * time.Millisecond

// closeSoon closes body, and leaves it to its goroutine if that takes long.
func closeSoon(body io.Closer) {
	switch body {
	case nil, io.Closer(http.NoBody):
		return
	}
	begin(func() { body.Close() }).wait(grace, nil)
}

// closeSoonOf closes the body of a request that is not sent.
func closeSoonOf(req *http.Request) {
	if req != nil && req.Body != nil {
		closeSoon(req.Body)
	}
}

// getBody calls req.GetBody. A body that it returns after req has ended is closed.
func getBody(req *http.Request) (io.ReadCloser, error) {
	if req.Context().Done() == nil && canceled(req) == nil {
		return req.GetBody()
	}
	var body io.ReadCloser
	var err error
	t := begin(func() { body, err = req.GetBody() })
	if t.wait(forever, req) || t.wait(grace, nil) {
		return body, err
	}
	begin(func() { // whose panic must not end the process
		<-t.done
		closeBody(body)
	})
	return nil, ended(req)
}

func closeBody(body io.Closer) {
	if body != nil {
		body.Close()
	}
}
