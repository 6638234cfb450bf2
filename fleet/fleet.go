// Package fleet gives the processes of a fleet one budget of retries and one gate, on a Redis or Valkey server that
// they all reach. A process that has just been born knows nothing of the server that it is about to ask; the others
// do.
//
//	shared, err := fleet.New(client, fleet.Options{})
//	...
//	transport := retry.New(nil, retry.Policy{Budget: shared.Budget, Gate: shared.Gate})
//
// The process's own bucket judges first. Only if it has enough for a retry is the store asked, in one round trip, for
// at most Timeout, while the wait for the retry has already begun. If the store does not answer, the own bucket has
// decided: no request fails because of the store. Then the store is left alone for a while, from a tenth of a second
// up to five.
//
// A request that succeeds at once costs the store nothing, but one in ten tells it of itself and of nine others, at
// most once a second in each process. That one waits for the answer, unless the program has called [Fleet.Run].
//
// A script in the server does it all, since reading, deciding and writing must be one step: by plain commands that
// takes two round trips, or the budget is overdrawn by as many as ask at once. The server's clock counts. There is
// one key for each host and port, with nothing else in it, which is gone an hour after its last use. In a cluster
// each key is in a slot of its own. The server must run scripts and their TIME: Redis 5 and later, and each Valkey.
//
// See docs/fleet.md for when to use it, what it costs, and what it cannot do.
package fleet

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet/internal/bucket"
	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

// A Fleet is what one process shares with the others of its fleet. It may be used by many goroutines at once.
type Fleet struct {
	// Budget and Gate are for the [retry.Policy] of as many Transports as there are in the process. Don't change
	// them. Either may be used without the other.
	Budget *retry.Budget
	Gate   *retry.Gate

	ledger *ledger.Ledger
}

// New returns the Budget and the Gate of one process of a fleet. It asks nothing of the server.
//
// The client is the program's own: so are its addresses, TLS, passwords, and Close. It needs ContextTimeoutEnabled,
// because without that go-redis waits for its ReadTimeout, whatever the context says. New returns an error if the
// client is nil or known to lack that, or if one of the options is out of its bounds.
func New(client redis.UniversalClient, o Options) (*Fleet, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	o, err := o.fill()
	if err != nil {
		return nil, err
	}
	rules := bucket.Rules{Window: o.Window, Floor: o.Floor, Ratio: o.Ratio}
	s := &server{client: client, prefix: o.Prefix, rules: rules}
	l := ledger.New(s, ledger.Settings{Timeout: o.Timeout, Share: o.Share, OnError: o.OnError})
	return &Fleet{
		Budget: &retry.Budget{Window: o.Window, Floor: o.Floor, Ratio: o.Ratio, Store: l},
		Gate:   &retry.Gate{Store: l},
		ledger: l,
	}, nil
}

// Run tells the store once a second of the requests that have succeeded, so that none of them waits for it. It
// returns when the context is done and the last of them have been told, which takes no longer than Timeout for each
// authority. It is for long-lived processes, which call it in a goroutine of their own; without it all works the
// same, but for that wait.
func (f *Fleet) Run(ctx context.Context) { f.ledger.Attend(ctx) }
