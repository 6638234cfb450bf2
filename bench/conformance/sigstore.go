package conformance

// sigstore is in a module of its own, because it needs Go 1.27. The module can go when Go 1.26 is no longer supported,
// in February 2027.
func sigstore() Subject {
	return Subject{
		Name:   "sigstore",
		Module: "github.com/sigstore/sigstore",
		Setup:  "`NewTransport` of its pkg/httpretry, and its defaults",
		Dir:    "sigstore",
	}
}
