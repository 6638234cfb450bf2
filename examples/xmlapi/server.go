package main

import (
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
)

// newServer starts a server that refuses first requests for being too many, and breaks an answer off.
func newServer() *httpfault.Server {
	tooMany := httpfault.Status(http.StatusTooManyRequests)
	ruler := httpfault.OK("<item><name>ruler</name><count>5</count></item>")
	s := httpfault.NewServer(nil)
	s.On("/items/pencil", tooMany.RetryAfter(time.Second), httpfault.Status(http.StatusNoContent))
	s.On("/items/eraser", tooMany.RetryAfterDate(2*time.Second, httpfault.IMFFixdate).Clock(-time.Hour),
		httpfault.OK("<item><name>eraser</name><count>3</count></item>"))
	s.On("/items/ruler", ruler.CutBody(20), ruler)
	s.On("/items/stapler", tooMany.RetryAfter(time.Hour))
	return s
}
