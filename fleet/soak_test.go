package fleet_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet"
)

var (
	soak      = flag.Duration("soak", 3*time.Second, "how long the soak of TestSoak goes on")
	processes = flag.Int("processes", 8, "how many processes it has at a time")
)

// memberEnv tells a process of this binary that it is one of a fleet, and what for: a task in JSON.
const memberEnv = "FLEET_MEMBER"

// floor is that of the fleet's budget in the soak.
const floor = 50

// A task is what a process of the soak has to do: ask both servers in turn until the time is over.
type task struct {
	Store, Down, Flaky string
	Time               time.Duration
}

// A tally is what a process of the soak, or all of them, did.
type tally struct {
	Requests, Lost int
	Granted        float64 // that the store let it take for the server that is down
	Alone          int     // retries without the store's word
}

func (t *tally) add(u tally) {
	t.Requests += u.Requests
	t.Lost += u.Lost
	t.Granted += u.Granted
	t.Alone += u.Alone
}

// member is the main function of a process of the soak.
func member() int {
	var work task
	if err := json.Unmarshal([]byte(os.Getenv(memberEnv)), &work); err != nil {
		return 2
	}
	c := redis.NewClient(&redis.Options{Addr: work.Store, ContextTimeoutEnabled: true})
	f, err := fleet.New(c, fleet.Options{Floor: floor, Timeout: 200 * time.Millisecond})
	if err != nil {
		return 2
	}
	sum := work.do(f)
	if json.NewEncoder(os.Stdout).Encode(sum) != nil || c.Close() != nil {
		return 2
	}
	return 0
}

func (work task) do(f *fleet.Fleet) (sum tally) {
	p := policy(f)
	p.Backoff = retry.Constant(time.Millisecond)
	down := "" // the URL of the current request, if that is to the server that is down
	p.OnAttempt = func(_ retry.Attempt, d retry.Decision) {
		switch {
		case d.Retry && d.StoreError != nil:
			sum.Alone++
		case d.Retry && down != "":
			sum.Granted += d.Price
		}
	}
	client := &http.Client{Transport: retry.New(nil, p), Timeout: 30 * time.Second}
	for begin := time.Now(); time.Since(begin) < work.Time; time.Sleep(5 * time.Millisecond) {
		url := work.Flaky
		if down = ""; sum.Requests%2 == 0 {
			url, down = work.Down, work.Down
		}
		sum.Requests++
		resp, err := client.Get(url)
		if err != nil || resp.Body.Close() != nil {
			sum.Lost++
		}
	}
	return sum
}

// launch runs one process of the soak.
func (work task) launch(t *testing.T) (sum tally) {
	b, err := json.Marshal(work)
	assert.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), memberEnv+"="+string(b))
	out, err := cmd.Output()
	assert.NoError(t, err, "%s", out)
	assert.NoError(t, json.Unmarshal(out, &sum), "%s", out)
	return sum
}

// Many processes of this binary live through two losses of the store: no request is lost, and the budget of a server
// that answers nothing but 503 is not overdrawn by more than one retry for each process.
//
//	go test -race -run TestSoak -v . -soak 60s -processes 200
func TestSoak(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		defer down.Close()
		var n atomic.Int64
		flaky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1)%3 == 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		defer flaky.Close()
		// Each of them lives for a part of the time, so that some are born while the store is away.
		work := task{Store: s.addr, Down: down.URL, Flaky: flaky.URL, Time: *soak / 6}
		sum, launched := fly(t, work, s)
		fmt.Printf("%s: %d processes: %+v\n", t.Name(), launched, sum)
		assert.Zero(t, sum.Lost)
		assert.Greater(t, sum.Requests, launched)
		assert.GreaterOrEqual(t, sum.Granted, float64(floor))
		const lives = 3 // of the store, each of which begins with a full bucket
		assert.LessOrEqual(t, sum.Granted, lives*floor+0.001*soak.Seconds()+float64(launched))
	})
}

// fly keeps a fleet going and takes the store away twice, each time for a tenth of the soak.
func fly(t *testing.T, work task, s *store) (sum tally, launched int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(*soak)
	for range *processes {
		all.Go(func() {
			for time.Until(end) > 0 {
				one := work.launch(t)
				mu.Lock()
				sum.add(one)
				launched++
				mu.Unlock()
			}
		})
	}
	for range 2 {
		time.Sleep(*soak / 5)
		s.stop()
		time.Sleep(*soak / 10)
		s.start()
	}
	all.Wait()
	require.False(t, t.Failed())
	return sum, launched
}
