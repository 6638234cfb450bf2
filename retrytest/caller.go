package retrytest

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"time"
	"weak"
)

var callerChecks = []check{
	{
		name:    "RequestNotModified",
		promise: "the caller's request is not modified, neither during the call nor after it.",
		why: "http.RoundTripper: \"RoundTrip should not modify the request, except for consuming and closing the " +
			"Request's Body.\" The caller may be reading its fields in another goroutine, or send it again.",
		run: requestNotModified,
	},
	{
		name:    "RequestNotKept",
		promise: "nothing refers to a request for long after its response is closed.",
		why: "http.RoundTripper: callers may reuse the request then. One that is kept is memory that grows with " +
			"each call, and credentials that live longer than they should.",
		run: requestNotKept,
	},
}

func requestNotModified(p *probe) {
	req, _ := p.upload(http.MethodPut, "the body")
	req.Header.Set("X-Caller", "its own")
	req.Trailer = http.Header{"X-Sum": nil}
	before := snapshot(req)
	b, diff := &base{outcomes: []outcome{p.failing(), status(200)}}, ""
	b.onSend = func(n int, _ *http.Request) {
		if field := before.diff(snapshot(req)); field != "" && diff == "" {
			diff = fmt.Sprintf("its %s was another one when attempt %d was made", field, n)
		}
	}
	if _, err := p.send(b, req); err != nil {
		p.broken("A failure and then a 200 gave the error %q.", err)
	}
	if diff != "" {
		p.broken("Of the caller's request, %s.", diff)
	}
	if field := before.diff(snapshot(req)); field != "" {
		p.broken("Of the caller's request, its %s was another one after the call.", field)
	}
}

// A picture of the fields of a request that a wrapper might write to.
type picture map[string]any

func snapshot(req *http.Request) picture {
	return picture{
		"Method":           req.Method,
		"URL":              *req.URL,
		"Header":           req.Header.Clone(),
		"Body":             req.Body,
		"GetBody":          reflect.ValueOf(req.GetBody).Pointer(),
		"ContentLength":    req.ContentLength,
		"TransferEncoding": slices.Clone(req.TransferEncoding),
		"Close":            req.Close,
		"Host":             req.Host,
		"Trailer":          req.Trailer.Clone(),
		"Response":         req.Response,
		"Context":          req.Context(),
	}
}

// diff names the first field, in the order of the alphabet, that differs.
func (before picture) diff(after picture) string {
	for _, field := range slices.Sorted(maps.Keys(before)) {
		same := reflect.DeepEqual(before[field], after[field])
		// Bodies and contexts are deeply equal to copies of themselves, and change as they are used.
		if field == "Body" || field == "Context" {
			same = before[field] == after[field]
		}
		if !same {
			return field
		}
	}
	return ""
}

func requestNotKept(p *probe) {
	b := &base{outcomes: []outcome{p.failing(), status(200)}}
	rt := p.wrap(b)
	ref := sendAndForget(p, rt)
	// A timer that was stopped may hold what it was for until its time has passed.
	time.Sleep(time.Hour)
	// Two cycles empty the pools of package sync; the rest is generosity.
	for range 6 {
		runtime.GC()
		if ref.Value() == nil {
			runtime.KeepAlive(rt)
			return
		}
	}
	p.broken("The request was still reachable an hour and six garbage collections after its response was closed.")
}

// sendAndForget is a function of its own so that no variable of its caller holds the request.
//
//go:noinline
func sendAndForget(p *probe, rt http.RoundTripper) weak.Pointer[http.Request] {
	req, _ := p.upload(http.MethodPut, "the body")
	if resp, err := p.roundTrip(rt, req); err == nil {
		resp.Body.Close()
	}
	return weak.Make(req)
}
