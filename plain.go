package retry

import "net/http"

// PlainErrors returns t for a client that compares errors instead of asking [errors.Is], as clients do that decide by
// themselves what to send again:
//
//	client := &http.Client{Transport: retry.New(nil, retry.Policy{}).PlainErrors()}
//
// In place of an [*Error] it returns the last attempt's own error, as the base returned it. If the request's context is
// what ended the request, it returns [context.Cause] of that, as [http.Transport] does over HTTP/1: if none was given,
// [context.Canceled] or [context.DeadlineExceeded] itself. An Error that has neither stays, as nothing is plainer: the
// request's GetBody failed, or it was never sent.
//
// Let it be the outermost of nested Transports: it is by the Error that an outer one knows how many attempts there
// were.
func (t *Transport) PlainErrors() http.RoundTripper { return plainErrors{t} }

// WrappedRoundTripper returns the base. Clients look through it for the [http.Transport] inside, and ask that for its
// dialer and its TLS configuration; those of Kubernetes know it by this name.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.roundTripper() }

// plainErrors has the other methods of its Transport.
type plainErrors struct{ *Transport }

func (t plainErrors) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(req)
	return resp, plain(err)
}

// plain asks for no more than err itself: an error of the base's own that has an Error in it is not ours to take apart.
func plain(err error) error {
	e, ok := err.(*Error)
	if !ok || e == nil {
		return err
	}
	if ended, ok := e.Reason.(*endedError); ok {
		return ended.cause
	}
	if e.Err == nil {
		return e
	}
	return plain(e.Err) // which is an Error if the base is a Transport
}
