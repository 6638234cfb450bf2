package fleet

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
)

// Options are the rules of the shared budget, and how to reach it. All processes of a fleet must have the same, but
// for OnError. The zero Options are right for most.
type Options struct {
	// Prefix begins each key. It has no spaces, no control characters, and at most 100 bytes of UTF-8. Empty means
	// "retry:". Two fleets with one prefix share one budget.
	Prefix string

	// Window, Floor and Ratio are those of [retry.Budget], of the fleet's budget and of the process's own. The
	// fleet's capacity is Window times the fleet's successes. Zero means 15s, 5 and 0.1. Window is at least 1ms and
	// at most 24h, Floor is finite, and Ratio at most 1.
	Window       time.Duration
	Floor, Ratio float64

	// Timeout is the longest that a request waits for the store. Zero means 20ms; at most 1s.
	Timeout time.Duration

	// Share is the share of the successes that is told to the store, drawn at random; each counts for all. Zero means
	// 0.1. 1 tells of each, which is for fleets of fewer than about ten requests a minute.
	Share float64

	// OnError, if not nil, is told of each question that the store did not answer. It is a part of the request and
	// must return soon; it is called by many goroutines at once.
	OnError func(error)
}

const (
	maxPrefix  = 100
	maxWindow  = 24 * time.Hour
	maxTimeout = time.Second
	maxFloor   = 1e9
)

// fill returns o with its defaults, or what is wrong with it.
func (o Options) fill() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = "retry:"
	}
	o.Window = orDefault(o.Window, 15*time.Second)
	o.Floor = orDefault(o.Floor, 5)
	o.Ratio = orDefault(o.Ratio, 0.1)
	o.Timeout = orDefault(o.Timeout, 20*time.Millisecond)
	o.Share = orDefault(o.Share, 0.1)
	return o, errors.Join(
		checkPrefix(o.Prefix),
		between("Window", o.Window, time.Millisecond, maxWindow),
		between("Floor", o.Floor, math.SmallestNonzeroFloat64, maxFloor),
		between("Ratio", o.Ratio, math.SmallestNonzeroFloat64, 1),
		between("Timeout", o.Timeout, 1, maxTimeout),
		between("Share", o.Share, 1e-6, 1),
	)
}

func orDefault[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

func between[T time.Duration | float64](name string, v, least, most T) error {
	if v >= least && v <= most {
		return nil
	}
	return fmt.Errorf("fleet: Options.%s is %v; it must be from %v to %v", name, v, least, most)
}

func checkPrefix(s string) error {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if len(s) > maxPrefix || !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		return fmt.Errorf("fleet: Options.Prefix is %.120q; it must have no spaces and at most %d bytes", s, maxPrefix)
	}
	return nil
}

func checkClient(client redis.UniversalClient) error {
	if v := reflect.ValueOf(client); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return errors.New("fleet: the client is nil")
	}
	enabled := true
	switch c := client.(type) {
	case *redis.Client:
		enabled = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		enabled = c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		enabled = c.Options().ContextTimeoutEnabled
	}
	if !enabled {
		return errors.New("fleet: the client must have ContextTimeoutEnabled, or a slow store delays requests")
	}
	return nil
}
