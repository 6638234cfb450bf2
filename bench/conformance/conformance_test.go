package conformance_test

import (
	"flag"
	"testing"

	"github.com/seed-e3550de8/retry/bench/conformance"
	"github.com/seed-e3550de8/retry/retrytest"
)

var others = flag.Bool("others", false, "run the kit over the other libraries too, which fail some of it")

func TestConformance(t *testing.T) {
	for _, s := range conformance.Field() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Name != "retry" && !*others {
				t.Skip("needs -others")
			}
			if s.Dir != "" {
				t.Skip("is in the module " + s.Dir)
			}
			retrytest.TestRoundTripper(t, s.Wrap, s.Claims)
		})
	}
}
