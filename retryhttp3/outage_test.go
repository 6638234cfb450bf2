package retryhttp3_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestAPOSTWaitsForAServerThatIsNotThereYet(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		const absent = 12 * time.Second
		addr := n.nobody(t)
		start, up := time.Now(), make(chan *server, 1)
		time.AfterFunc(absent, func() { up <- n.serve(t, n.socketAt(t, addr), fine) })
		c := n.client(t, retry.Policy{}, addr.String())
		got, err := c.do(t, http.MethodPost, strings.NewReader("order"))
		require.NoError(t, err)
		assert.Equal(t, "fine", got)
		assert.Equal(t, []string{"POST order"}, (<-up).got())
		assert.Equal(t, []retry.Class{unprocessed, unprocessed, final}, c.classes, "a handshake takes up to 5 s")
		assert.GreaterOrEqual(t, time.Since(start), absent)
	})
}

func TestAPOSTWaitsForAServerThatRefusesConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		socket, start := n.socket(t), time.Now()
		socket.ConnContext = func(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
			if time.Since(start) == 0 {
				return nil, io.EOF
			}
			return ctx, nil
		}
		s := n.serve(t, socket, fine)
		c := n.client(t, retry.Policy{}, s.addr)
		_, err := c.do(t, http.MethodPost, strings.NewReader("order"))
		require.NoError(t, err)
		assert.Equal(t, []string{"POST order"}, s.got())
		assert.Equal(t, []retry.Class{unprocessed, final}, c.classes)
	})
}

func TestNoneOfManyPOSTsIsLostOrSentTwiceAcrossARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		const orders, up, absent = 120, 20*time.Second + time.Millisecond, 10 * time.Second
		socket := n.socket(t)
		first := n.serve(t, socket, fine)
		c := n.client(t, retry.Policy{Budget: retry.Unlimited}, first.addr)
		second := make(chan *server, 1)
		go func() {
			time.Sleep(up)
			assert.NoError(t, first.Close())
			first.vanish()
			time.Sleep(absent)
			second <- n.serve(t, n.socketAt(t, addrOf(socket)), fine)
		}()
		var all sync.WaitGroup
		for i := range orders {
			all.Go(func() {
				_, err := c.do(t, http.MethodPost, strings.NewReader(fmt.Sprint(i)))
				assert.NoError(t, err)
			})
			time.Sleep(time.Second / 2)
		}
		all.Wait()
		before, after := first.got(), (<-second).got()
		assert.Len(t, before, 41)
		assert.ElementsMatch(t, posts(orders), slices.Concat(before, after))
		assert.Contains(t, c.classes, unprocessed)
	})
}

// posts are what a server got of so many POSTs, each with its number.
func posts(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("POST %d", i))
	}
	return all
}

func TestOfACrashedServerOnlyAGETIsAskedForAgain(t *testing.T) {
	key := new(quic.StatelessResetKey)
	for _, tt := range []struct {
		name  string
		key   *quic.StatelessResetKey // of the server that comes after it
		after time.Duration           // and up to 3 probe timeouts
	}{
		{"which is noticed at once, by a stateless reset", key, 0},
		{"which is noticed when MaxIdleTimeout is over", nil, 30 * time.Second},
	} {
		for method, classes := range map[string][]retry.Class{
			http.MethodGet:  {final, transient, final},
			http.MethodPost: {final, transient},
		} {
			t.Run(tt.name+", "+method, func(t *testing.T) {
				inBubble(t, func(t *testing.T, n *network) {
					socket := n.socket(t)
					socket.StatelessResetKey = key
					first := n.serve(t, socket, fine)
					var failed time.Time
					c := n.client(t, retry.Policy{Backoff: retry.BackoffFunc(func(int) time.Duration {
						failed = time.Now()
						return time.Second
					})}, first.addr)
					_, err := c.do(t, method, strings.NewReader("1"))
					require.NoError(t, err)
					first.vanish()
					socket = n.socketAt(t, addrOf(socket))
					socket.StatelessResetKey = tt.key
					second := n.serve(t, socket, fine)
					start := time.Now()
					_, err = c.do(t, method, strings.NewReader("2"))
					assert.Equal(t, classes, c.classes)
					if method == http.MethodPost {
						failed = time.Now()
						assert.Error(t, err)
						assert.Empty(t, second.got())
					} else {
						assert.NoError(t, err)
						assert.Equal(t, []string{"GET 2"}, second.got())
					}
					assert.InDelta(t, tt.after, failed.Sub(start), float64(tt.after/2))
				})
			})
		}
	}
}

func TestPOSTsThatMeetAGOAWAYArriveOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		const orders = 20
		started, finish := make(chan struct{}), make(chan struct{})
		first := n.serve(t, n.socket(t), func(i int, w http.ResponseWriter) {
			if i == 0 {
				close(started)
				<-finish
			}
			fine(i, w)
		})
		second := n.serve(t, n.socket(t), fine)
		c := n.client(t, retry.Policy{Budget: retry.Unlimited}, first.addr, n.nobody(t).String(), second.addr)
		var all sync.WaitGroup
		post := func(order string) {
			all.Go(func() {
				_, err := c.do(t, http.MethodPost, strings.NewReader(order))
				assert.NoError(t, err)
			})
		}
		post("slow")
		<-started
		for i := range orders {
			if i == orders/2 {
				all.Go(func() { assert.NoError(t, first.Shutdown(context.Background())) })
			}
			post(fmt.Sprint(i))
		}
		time.Sleep(10 * time.Second) // a dial to nobody takes 5 s
		post("late")
		synctest.Wait()
		assert.Contains(t, second.got(), "POST late")
		close(finish)
		all.Wait()
		assert.ElementsMatch(t, append(posts(orders), "POST slow", "POST late"),
			slices.Concat(first.got(), second.got()))
		assert.Contains(t, c.classes, unprocessed, "a connection to nobody")
	})
}
