package fleet

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed-e3550de8/retry/fleet/internal/bucket"
	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

var script = redis.NewScript(bucket.Script)

// A server is a store that runs the script.
type server struct {
	client redis.UniversalClient
	prefix string
	rules  bucket.Rules
}

// Ask runs the script: in one round trip, or two if the server does not know it yet.
func (s *server) Ask(ctx context.Context, authority string, q ledger.Question) (ledger.Answer, error) {
	values, err := script.Run(ctx, s.client, []string{s.key(authority)}, s.rules.Args(q)...).Slice()
	if err != nil {
		return ledger.Answer{}, err
	}
	return bucket.Answer(values)
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
