package fleet

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

//go:embed bucket.lua
var source string

var script = redis.NewScript(source)

// refill is that of retry.Budget.
const refill = 0.001

// live is how long a key lives after it was last used, apart from what its Window adds.
const live = time.Hour

// A server is a store that runs the script.
type server struct {
	client redis.UniversalClient
	prefix string
	rules  []any // the arguments that are always the same
	live   int64 // milliseconds
}

func newServer(client redis.UniversalClient, o Options) *server {
	return &server{
		client: client, prefix: o.Prefix,
		rules: []any{o.Window.Seconds(), o.Floor, o.Ratio, refill},
		live:  min(live+20*o.Window, 1000*live).Milliseconds(),
	}
}

// Ask runs the script: in one round trip, or two if the server does not know it yet.
func (s *server) Ask(ctx context.Context, authority string, q ledger.Question) (ledger.Answer, error) {
	args := append(s.rules[:len(s.rules):len(s.rules)], q.Withdraw, q.Refund, q.Successes, q.Hold.Seconds(), s.live)
	values, err := script.Run(ctx, s.client, []string{s.key(authority)}, args...).Slice()
	if err != nil {
		return ledger.Answer{}, err
	}
	return answer(values)
}

// key is the prefix, the host and the port.
func (s *server) key(authority string) string {
	host, secure := strings.CutPrefix(authority, "https://")
	host = strings.TrimPrefix(host, "http://")
	switch {
	case strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']'): // it has a port
	case secure:
		host += ":443"
	default:
		host += ":80"
	}
	return s.prefix + strings.ToLower(host)
}

// answer reads what the script returns.
func answer(values []any) (a ledger.Answer, err error) {
	if len(values) != 5 {
		return a, fmt.Errorf("fleet: the store answered %d values", len(values))
	}
	var numbers [5]float64
	for i, v := range values {
		if numbers[i], err = strconv.ParseFloat(fmt.Sprint(v), 64); err != nil {
			return a, fmt.Errorf("fleet: the store answered %.40q", fmt.Sprint(v))
		}
	}
	return ledger.Answer{
		Granted:  numbers[0] == 1,
		Capacity: numbers[1],
		Balance:  numbers[2],
		Rest:     milliseconds(numbers[3]),
		Length:   milliseconds(numbers[4]),
	}, nil
}

// milliseconds is a duration of at most a day, which is longer than anybody waits.
func milliseconds(f float64) time.Duration {
	const day = 24 * time.Hour
	if math.IsNaN(f) || f <= 0 {
		return 0
	}
	return time.Duration(min(f, float64(day.Milliseconds())) * float64(time.Millisecond))
}
