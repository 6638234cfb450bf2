package httpfault

// A Protocol is what a [Server] speaks.
type Protocol int

const (
	HTTP1 Protocol = iota // HTTP/1.1 in clear text
	HTTPS                 // HTTP/1.1 over TLS
	H2C                   // HTTP/2 in clear text, with prior knowledge
	HTTP2                 // HTTP/2 over TLS
)

func (p Protocol) String() string {
	switch p {
	case HTTP1:
		return "HTTP1"
	case HTTPS:
		return "HTTPS"
	case H2C:
		return "H2C"
	case HTTP2:
		return "HTTP2"
	}
	return "unknown Protocol"
}

func (p Protocol) valid() bool { return p >= HTTP1 && p <= HTTP2 }
func (p Protocol) tls() bool   { return p == HTTPS || p == HTTP2 }
func (p Protocol) http2() bool { return p == H2C || p == HTTP2 }

// A Config says what kind of [Server] to start. The zero Config is that of [NewServer].
type Config struct {
	_ [0]func() // no comparison, no unkeyed literals

	// Protocol is what the server speaks: HTTP1 by default.
	Protocol Protocol

	// Pipe makes the connections in memory instead of on the loopback interface, so that the
	// whole exchange can live in a testing/synctest bubble, where latency takes
	// no time. A pipe holds 16 KiB in each direction.
	Pipe bool

	// Strict makes a request beyond the script fail the test. Otherwise Default answers it,
	// since most scripts are a few failures of a server that is well.
	Strict bool

	// Default answers what the script does not: the requests after its last step.
	// The zero Step is a 200 with no body.
	Default Step
}
