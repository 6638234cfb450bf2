// Package sigstore runs the kit of retrytest over the transport of github.com/sigstore/sigstore/pkg/httpretry, for
// bench/CONFORMANCE.md. It is a module of its own because that one needs Go 1.27, of which Go 1.26 says so; what is said
// of bench/conformance holds for it too.
package sigstore
