package storm

import (
	"fmt"
	"time"

	"github.com/seed-e3550de8/retry"
)

// warmup is how long all goes well before the trouble begins.
const warmup = 20 * time.Second

// A Scenario is what happens to the server, from the end of the warm-up on.
type Scenario struct {
	Name     string
	pulse    time.Duration // how long the bad time lasts
	after    time.Duration // how long the simulation goes on after it
	load     float64       // steady first attempts per second over capacity
	down     bool          // every attempt is answered 503, at no cost
	surge    float64       // factor on the first attempts; zero is 1
	slow     float64       // factor on the capacity; zero is 1
	failing  float64       // this share of attempts is answered 503, at random
	broken   float64       // this share of requests is to an endpoint that answers nothing but 503
	queue    time.Duration // attempts that would wait longer are answered 503
	timeout  time.Duration // clients give up after this; the server works on; zero is never
	herd     bool          // every client sends one request, all at once, to a capacity of a tenth of them a second
	deadline time.Duration // of each request
	whole    bool          // simulate all of after, even if there is nothing more to learn

	limit   int           // requests that are served in each window; the others are answered 429; zero is no limit
	window  time.Duration // of the limit
	workers int           // of one client, which sends one request after the other; zero is clients that send at random
	jobs    int           // requests that they have to send

	backoff    retry.Exponential // of the clients
	attempts   int               // their MaxAttempts; zero is the default
	retryAfter time.Duration     // what each 503 asks for; zero is nothing
}

// Outage is a server that answers 503 to every attempt for d.
func Outage(d time.Duration) Scenario {
	return Scenario{
		Name: "outage of " + d.String(), pulse: d, after: 90 * time.Second, load: 0.7,
		down: true, queue: time.Second, deadline: time.Minute,
	}
}

// Blip is a short outage met with a backoff that can wait it out.
func Blip(d time.Duration) Scenario {
	s := Outage(d)
	s.Name, s.backoff = "blip of "+d.String(), retry.Exponential{Base: 2 * time.Second}
	return s
}

// Slow is a server that is slow for half a minute, and clients that give up after a second: when it is fast again, it
// is busy with answers that nobody waits for.
func Slow(load float64) Scenario {
	after := 110 * time.Second
	if load > 0.7 {
		after = 200 * time.Second
	}
	return Scenario{
		Name: fmt.Sprintf("slow server, load %v", load), pulse: 30 * time.Second, after: after, load: load,
		slow: 0.3, queue: 10 * time.Second, timeout: time.Second, deadline: time.Minute,
	}
}

// Surge is three times the requests for half a minute.
func Surge() Scenario {
	return Scenario{
		Name: "three times the requests", pulse: 30 * time.Second, after: 90 * time.Second, load: 0.7,
		surge: 3, queue: time.Second, deadline: time.Minute,
	}
}

// Failing is a server that answers 503 to a share of the attempts, at random, for d.
func Failing(share float64, d time.Duration) Scenario {
	return Scenario{
		Name: "partial failure", pulse: d, after: 90 * time.Second, load: 0.7,
		failing: share, queue: time.Second, deadline: time.Minute,
	}
}

// Broken is ten minutes in which a share of the requests is to an endpoint that is broken, of a server on which a tenth
// of the other attempts fails.
func Broken(share float64) Scenario {
	s := Failing(0.1, 10*time.Minute)
	s.Name, s.broken = "broken endpoint", share
	return s
}

// Herd is a restart of all clients at once, at a server that is down for the given time.
func Herd(down time.Duration, jitter retry.Jitter, attempts int) Scenario {
	return Scenario{
		Name: "restart", pulse: down, after: 300 * time.Second, herd: true, load: 1,
		down: true, queue: time.Second, deadline: 300 * time.Second,
		backoff: retry.Exponential{Jitter: jitter}, attempts: attempts,
	}
}

// RateLimited is an API that serves ten requests in each five seconds, and one client whose workers send ten requests
// each.
func RateLimited(workers, attempts int) Scenario {
	return Scenario{
		Name: "rate limit", pulse: 2 * time.Hour, load: 1, queue: time.Second, deadline: 2 * time.Hour,
		limit: 10, window: 5 * time.Second, workers: workers, jobs: 10 * workers, attempts: attempts,
	}
}

// end is when the simulation stops.
func (s *Scenario) end() time.Duration { return warmup + s.pulse + s.after }

func (s *Scenario) inPulse(t time.Duration) bool { return t >= warmup && t < warmup+s.pulse }
