package bench

import (
	"net/http"
	"time"

	"github.com/cristalhq/hedgedhttp"
)

var hedged = Contender{
	Name:   "hedgedhttp",
	Module: "github.com/cristalhq/hedgedhttp",
	Note:   "hedges: sends again after a second without an answer, and takes any response; left out where a status is to be retried",
	Kind:   Hedger,
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		// With no delay it would send every request four times at once.
		rt, err := hedgedhttp.NewRoundTripper(max(s.Wait, time.Second), 1+s.Retries, base)
		if err != nil {
			panic(err)
		}
		return rt
	},
}
