package tail

import (
	"slices"

	"github.com/seed-e3550de8/retry/bench"
)

// names are those of the libraries that are asked; the others are there for what costs nanoseconds.
var names = []string{"bare", "retry", "go-retryablehttp", "rehttp", "failsafehttp", "heimdall", "resty-v2", "resty-v3"}

// Field returns the libraries of the table, in the order of the module's.
func Field() []bench.Contender {
	return slices.DeleteFunc(bench.Field(), func(c bench.Contender) bool { return !slices.Contains(names, c.Name) })
}
