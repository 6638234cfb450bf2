package fleet_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry/fleet"
)

func TestAClientThatCannotBeBoundedIsAnError(t *testing.T) {
	addrs := []string{"127.0.0.1:1"}
	for name, c := range map[string]redis.UniversalClient{
		"nil":               nil,
		"a nil pointer":     (*redis.Client)(nil),
		"a nil cluster":     (*redis.ClusterClient)(nil),
		"a server":          redis.NewClient(&redis.Options{Addr: addrs[0]}),
		"a cluster":         redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs}),
		"a ring":            redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": addrs[0]}}),
		"one by a sentinel": redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "one", SentinelAddrs: addrs}),
	} {
		_, err := fleet.New(c, fleet.Options{})
		assert.Error(t, err, name)
	}
	for name, c := range map[string]redis.UniversalClient{
		"a server":  redis.NewClient(&redis.Options{Addr: addrs[0], ContextTimeoutEnabled: true}),
		"a cluster": redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true}),
		"universal": redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addrs, ContextTimeoutEnabled: true}),
	} {
		_, err := fleet.New(c, fleet.Options{})
		assert.NoError(t, err, name)
	}
}
