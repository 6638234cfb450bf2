package storm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry/internal/storm"
)

func TestASimulationIsTheSameForTheSameSeed(t *testing.T) {
	s, fleet := storm.Outage(5*time.Second), storm.Fleet{Clients: 10, Rate: 10}
	for _, k := range []storm.Kind{storm.Default, storm.Gated} {
		once := k.Run(s, fleet)
		assert.Equal(t, once, k.Run(s, fleet), k.Name)
		assert.NotZero(t, once.Attempts(), k.Name)
	}
}
