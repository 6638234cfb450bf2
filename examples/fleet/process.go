package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet"
)

// workEnv tells a process of this program that it is one of the fleet: it has its work in JSON.
const workEnv = "FLEET_WORK"

// suppressedHeader tells the server, for the table, how many retries were suppressed since the last request.
const suppressedHeader = "Suppressed"

// requests is how many a process makes, five a second.
const requests = 2

// work is what a process of the fleet does.
type work struct {
	URL   string
	Store string // empty if it has a budget of its own
}

func workOf(text string) (job work, ok bool) {
	return job, text != "" && json.Unmarshal([]byte(text), &job) == nil
}

func (job work) String() string {
	b, _ := json.Marshal(job)
	return string(b)
}

// run returns the exit status of the process.
func (job work) run() int {
	suppressed := 0
	policy := retry.Policy{
		Backoff: retry.Exponential{Base: 40 * time.Millisecond},
		OnAttempt: func(_ retry.Attempt, d retry.Decision) {
			if errors.Is(d.Reason, retry.ErrBudget) {
				suppressed++
			}
		},
	}
	if job.Store != "" {
		store := redis.NewClient(&redis.Options{Addr: job.Store, ContextTimeoutEnabled: true})
		shared, err := fleet.New(store, fleet.Options{})
		if err != nil {
			return 1
		}
		policy.Budget, policy.Gate = shared.Budget, shared.Gate
	}
	client := &http.Client{Transport: retry.New(nil, policy)}
	for range requests {
		before := suppressed
		suppressed = 0
		if err := ask(client, job.URL, before); err != nil {
			return 1
		}
		time.Sleep(200 * time.Millisecond)
	}
	return 0
}

func ask(client *http.Client, url string, suppressed int) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if suppressed > 0 {
		req.Header.Set(suppressedHeader, strconv.Itoa(suppressed))
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
