// Package sigstore runs the kit of retrytest over the transport of github.com/sigstore/sigstore/pkg/httpretry, for
// bench/CONFORMANCE.md. It is a module of its own because that one needs Go 1.27: go vet of Go 1.26 refuses it, and
// .ci/each leaves it to the newer release. What is said of bench/conformance holds for it too.
package sigstore
