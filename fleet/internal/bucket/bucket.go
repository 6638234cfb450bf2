// Package bucket is the script by which a store keeps a budget and a hold, and how to talk to it.
package bucket

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

// Script is what the store runs, with the authority's key as its only key.
//
//go:embed bucket.lua
var Script string

// Rules are those of a retry.Budget.
type Rules struct {
	Window       time.Duration
	Floor, Ratio float64
}

// refill is that of retry.Budget.
const refill = 0.001

// live is how long a key lives after it was last used, apart from what its Window adds.
const live = time.Hour

// Args are the arguments of a question.
func (r Rules) Args(q ledger.Question) []any {
	return []any{
		r.Window.Seconds(), r.Floor, r.Ratio, refill,
		q.Withdraw, q.Refund, q.Successes, q.Hold.Seconds(), (live + 20*r.Window).Milliseconds(),
	}
}

// Answer reads what the script returns.
func Answer(values []any) (a ledger.Answer, err error) {
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
