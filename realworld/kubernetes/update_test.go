package kubernetes_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kuberetry "k8s.io/client-go/util/retry"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// change reads a, gives it a new value, and writes it. What between does happens after the read.
func (c *cluster) change(t *testing.T, between func(*cluster)) error {
	m, err := c.client.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	between(c)
	require.NoError(t, unstructured.SetNestedField(m.Object, "new", "data", "key"))
	_, err = c.client.Update(t.Context(), m, metav1.UpdateOptions{})
	return err
}

func meets(faults ...httpfault.Step) func(*cluster) {
	return func(c *cluster) { c.server.Add(faults...) }
}

func losesAnswer(c *cluster) { c.lose() }

func nothing(*cluster) {}

// A conflict is an answer like any other: it is handed on, and RetryOnConflict reads and writes again. An update that
// fails before the server acts is made once. One whose answer is lost was made: its retry conflicts with itself, which
// looks like somebody else's change.
func TestAnUpdateIsMadeOnce(t *testing.T) {
	for name, row := range map[string]struct {
		between    func(*cluster)
		puts, done int
		conflict   bool
	}{
		"no trouble":       {nothing, 1, 1, false},
		"another's change": {func(c *cluster) { c.set("a", "another's") }, 1, 0, true},
		"503":              {meets(httpfault.Status(503)), 2, 1, false},
		"reset, then 503":  {meets(httpfault.Reset(), httpfault.Status(503)), 3, 1, false},
		"429":              {meets(httpfault.Status(429).RetryAfter(time.Second)), 2, 1, false},
		"a lost answer":    {losesAnswer, 2, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			setup{}.inBubbles(t, func(t *testing.T, c *cluster) {
				err := c.change(t, row.between)
				assert.Equal(t, row.conflict, apierrors.IsConflict(err), "%v", err)
				assert.Equal(t, row.puts, c.arrived(http.MethodPut))
				assert.Len(t, c.done, row.done)
				if !row.conflict {
					require.NoError(t, err)
				}

				first := row.between
				require.NoError(t, kuberetry.RetryOnConflict(kuberetry.DefaultRetry, func() error {
					defer func() { first = nothing }()
					return c.change(t, first)
				}))
				assert.Equal(t, "new", c.value("a"))
			})
		})
	}
}

// A single attempt hands on the error, which is no conflict. With a retry, RetryOnConflict makes the change anew.
func TestALostAnswerIsAConflictOnlyIfTheUpdateIsRepeated(t *testing.T) {
	for name, row := range map[string]struct {
		policy     retry.Policy
		puts, done int
		succeeds   bool
	}{
		"by itself":      {alone, 1, 1, false},
		"with a retry":   {retry.Policy{}, 3, 2, true},
		"as recommended": {recommended, 3, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			setup{policy: row.policy}.inBubbles(t, func(t *testing.T, c *cluster) {
				first := losesAnswer
				err := kuberetry.RetryOnConflict(kuberetry.DefaultRetry, func() error {
					defer func() { first = nothing }()
					return c.change(t, first)
				})
				assert.Equal(t, row.puts, c.arrived(http.MethodPut))
				assert.Len(t, c.done, row.done)
				assert.Equal(t, "new", c.value("a"))
				assert.Equal(t, row.succeeds, err == nil, "%v", err)
			})
		})
	}
}

// What is made by POST is made once. client-go repeats it by itself if the server asks it to come back.
func TestACreateIsMadeOnce(t *testing.T) {
	for name, row := range map[string]struct {
		before      func(*cluster)
		posts, done int
		succeeds    bool
	}{
		"no trouble":              {nothing, 1, 1, true},
		"503":                     {meets(httpfault.Status(503)), 1, 0, false},
		"503 that asks for 1 s":   {meets(httpfault.Status(503).RetryAfter(time.Second)), 2, 1, true},
		"a reset":                 {meets(httpfault.Reset()), 1, 0, false},
		"a connection refused":    {meets(httpfault.Refuse()), 1, 1, true},
		"a lost answer":           {losesAnswer, 1, 1, false},
		"429 that asks for 1 s":   {meets(httpfault.Status(429).RetryAfter(time.Second)), 2, 1, true},
		"429 without Retry-After": {meets(httpfault.Status(429)), 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			setup{}.inBubbles(t, func(t *testing.T, c *cluster) {
				row.before(c)
				_, err := c.client.Create(t.Context(), newMap("c", "new"), metav1.CreateOptions{})
				assert.Equal(t, row.succeeds, err == nil, "%v", err)
				assert.Equal(t, row.posts, c.arrived(http.MethodPost))
				assert.Len(t, c.done, row.done)
			})
		})
	}
}

// A DELETE whose answer is lost has deleted: its retry finds nothing.
func TestADeleteWhoseAnswerIsLostIsNotFound(t *testing.T) {
	setup{}.inBubbles(t, func(t *testing.T, c *cluster) {
		c.lose()
		err := c.client.Delete(t.Context(), "a", metav1.DeleteOptions{})
		require.True(t, apierrors.IsNotFound(err), "%v", err)
		assert.Equal(t, 2, c.arrived(http.MethodDelete))
		assert.Equal(t, []string{http.MethodDelete}, c.done)
	})
}
