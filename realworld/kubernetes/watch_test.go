package kubernetes_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// requireEvent demands that the next event is of a config map with a value.
func requireEvent(t *testing.T, w watch.Interface, want string) {
	t.Helper()
	e := <-w.ResultChan()
	require.IsType(t, &object{}, e.Object, "%v", e)
	value, _, err := unstructured.NestedString(e.Object.(*object).Object, "data", "key")
	require.NoError(t, err)
	require.Equal(t, want, value)
}

// The stream of a watch outlives the AttemptTimeout. When it breaks, that is its reader's to see: what has begun is not
// sent again.
func TestAWatchIsNeitherCutNorRepeated(t *testing.T) {
	limited := setup{policy: retry.Policy{AttemptTimeout: time.Second}}
	limited.inBubbles(t, func(t *testing.T, c *cluster) {
		w, err := c.client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: "2"})
		require.NoError(t, err)
		defer w.Stop()
		for _, value := range []string{"one", "two", "three"} {
			time.Sleep(time.Hour)
			c.set("a", value)
			requireEvent(t, w, value)
		}
		c.cutStreams()
		for e := range w.ResultChan() {
			assert.Equal(t, watch.Error, e.Type)
		}
		time.Sleep(time.Hour)
		assert.Equal(t, []int{1}, c.numbers)
		assert.Equal(t, 1, c.arrived(http.MethodGet))
	})
}

func TestAWatchBeginsAfterFaults(t *testing.T) {
	busy := httpfault.Status(429).RetryAfter(3 * time.Second)
	for name, row := range map[string]struct {
		policy   retry.Policy
		fault    httpfault.Step
		requests int
		wait     time.Duration // at least
		tries    int           // of client-go's
	}{
		"429 that asks for 3 s":            {retry.Policy{}, busy, 2, 3 * time.Second, 1},
		"429 that is client-go's to retry": {recommended, busy, 2, 3 * time.Second, 2},
		"503":                              {retry.Policy{}, httpfault.Status(503).Times(3), 4, 0, 1},
		"a reset":                          {retry.Policy{}, httpfault.Reset(), 2, 0, 1},
		"silence": {
			retry.Policy{AttemptTimeout: 5 * time.Second}, httpfault.Hang(), 2, 5 * time.Second, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup{policy: row.policy, faults: []httpfault.Step{row.fault}}
			s.inBubbles(t, func(t *testing.T, c *cluster) {
				start := time.Now()
				w, err := c.client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: "2"})
				require.NoError(t, err)
				defer w.Stop()
				assert.GreaterOrEqual(t, time.Since(start), row.wait)
				c.set("a", "new")
				requireEvent(t, w, "new")
				synctest.Wait()
				assert.Empty(t, w.ResultChan(), "the event comes once")
				assert.Equal(t, row.requests, c.arrived(http.MethodGet))
				assert.Equal(t, row.tries, count(c.numbers, 1))
			})
		})
	}
}

func count(list []int, what int) (n int) {
	for _, i := range list {
		if i == what {
			n++
		}
	}
	return n
}

// An informer makes its list and its watches by itself; faults before the answer are ours, and a stream that breaks is
// the informer's to open again.
func TestAnInformerMissesNothing(t *testing.T) {
	setup{faults: []httpfault.Step{httpfault.Status(503).Times(2)}}.inBubbles(t, func(t *testing.T, c *cluster) {
		values := make(chan string, 100)
		store, stop := c.inform(t, values)
		defer stop()
		requireValues(t, values, "old", "old")
		for _, value := range []string{"one", "two", "three"} {
			c.set("a", value)
			requireValues(t, values, value)
			c.cutStreams()
			c.set("b", value)
			requireValues(t, values, value)
		}
		synctest.Wait()
		assert.Empty(t, values, "each event comes once")
		assert.Len(t, store.List(), 2)
		assert.Equal(t, []int{1, 2, 3}, c.numbers[:3], "the first list")
		assert.Equal(t, len(c.numbers)-2, count(c.numbers, 1), "all that came later was client-go's: %v", c.numbers)
		assert.GreaterOrEqual(t, len(c.numbers), 3+4, "four watches, and lists if it likes")
		assert.Equal(t, len(c.numbers), c.arrived(http.MethodGet))
	})
}

// inform runs an informer, which sends the value of each config map that it hears of.
func (c *cluster) inform(t *testing.T, values chan<- string) (store cache.Store, stop func()) {
	heard := func(m any) {
		value, _, err := unstructured.NestedString(m.(*object).Object, "data", "key")
		assert.NoError(t, err)
		values <- value
	}
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source{c.client},
		ObjectType:    &object{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: heard,
			UpdateFunc: func(old, m any) {
				if old.(*object).GetResourceVersion() != m.(*object).GetResourceVersion() { // else it lists again
					heard(m)
				}
			},
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		controller.RunWithContext(ctx)
	}()
	return store, func() {
		cancel()
		<-done
	}
}

// A source lists and then watches.
type source struct{ client dynamic.ResourceInterface }

func (s source) List(o metav1.ListOptions) (runtime.Object, error) {
	return s.client.List(context.Background(), o)
}

func (s source) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return s.client.Watch(context.Background(), o)
}

// IsWatchListSemanticsUnSupported says that there is no list by a watch.
func (s source) IsWatchListSemanticsUnSupported() bool { return true }

func requireValues(t *testing.T, values <-chan string, want ...string) {
	t.Helper()
	for _, value := range want {
		select {
		case have := <-values:
			require.Equal(t, value, have)
		case <-time.After(time.Hour):
			require.Fail(t, "no event", "%s", value)
		}
	}
}
