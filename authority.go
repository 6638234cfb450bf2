package retry

import "net/url"

// An authority is the server that a request goes to (RFC 3986 section 3.2), as its URL has it. A scheme other than
// https counts as http: comparing one string less is a third of what a success costs.
type authority struct {
	secure bool
	host   string
}

func authorityOf(u *url.URL) authority {
	if u == nil {
		return authority{}
	}
	return authority{u.Scheme == "https", u.Host}
}

// is reports whether u has the authority a. It makes no authority of u, because nearly always that is all there is to
// do.
func (a authority) is(u *url.URL) bool {
	return u != nil && a.host == u.Host && a.secure == (u.Scheme == "https")
}
