package kubernetes_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

var (
	alone = retry.Policy{MaxAttempts: 1}
	ahead = retry.Policy{ReadAhead: 1 << 20}

	// Part of a list.
	halfAList = httpfault.OK(`{"apiVersion": "v1", "kind": "ConfigMapList", "items": []}`).
			Header("Content-Type", "application/json").CutBody(20)
)

func TestAListComesThroughFaults(t *testing.T) {
	for name, row := range map[string]struct {
		policy   retry.Policy
		faults   []httpfault.Step
		requests int
		succeeds bool
	}{
		"503, by itself": {alone, []httpfault.Step{httpfault.Status(503)}, 1, false},
		"503 twice":      {retry.Policy{}, []httpfault.Step{httpfault.Status(503).Times(2)}, 3, true},
		"503s and a reset": {
			retry.Policy{}, []httpfault.Step{httpfault.Status(503), httpfault.Reset(), httpfault.Status(503)}, 4, true,
		},
		"cut off":                 {retry.Policy{}, []httpfault.Step{halfAList}, 1, false},
		"cut off, and read ahead": {ahead, []httpfault.Step{halfAList}, 2, true},
		"silence": {
			retry.Policy{AttemptTimeout: time.Second}, []httpfault.Step{httpfault.Hang()}, 2, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			setup{policy: row.policy, faults: row.faults}.inBubbles(t, func(t *testing.T, c *cluster) {
				list, err := c.client.List(t.Context(), metav1.ListOptions{})
				assert.Equal(t, row.requests, c.arrived(http.MethodGet))
				if !row.succeeds {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				assert.Len(t, list.Items, 2)
				assert.Equal(t, "2", list.GetResourceVersion())
			})
		})
	}
}
