package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

// A server answers what it is told to, after a while, and remembers the questions.
type server struct {
	answer    ledger.Answer
	err       error
	latency   time.Duration
	mu        sync.Mutex
	questions []ledger.Question
}

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.questions)
}

func (s *server) Ask(ctx context.Context, _ string, q ledger.Question) (ledger.Answer, error) {
	s.mu.Lock()
	s.questions = append(s.questions, q)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return ledger.Answer{}, ctx.Err()
	case <-time.After(s.latency):
		return s.answer, s.err
	}
}

// draws returns those numbers, one after the other and again.
func draws(numbers ...float64) func() float64 {
	i := -1
	return func() float64 {
		i++
		return numbers[i%len(numbers)]
	}
}

func bubble(t *testing.T, test func(t *testing.T, l *ledger.Ledger, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: ledger.Answer{Granted: true, Capacity: 5, Balance: 4}}
		l := ledger.New(s, ledger.Settings{Timeout: 20 * time.Millisecond, Share: 0.1, Random: draws(0.05, 0.5)})
		test(t, l, s)
	})
}

const site = "http://a.example"

func TestASuccessThatChanceTakesCountsForAllAndIsToldOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		for range 100 { // of which half are drawn
			l.Deposit(t.Context(), site, 0)
		}
		assert.Equal(t, []ledger.Question{{Successes: 10}}, s.questions)
		time.Sleep(time.Second)
		l.Deposit(t.Context(), site, 0)
		require.Len(t, s.questions, 2)
		assert.InDelta(t, 500, s.questions[1].Successes, 1)
	})
}

func TestWhatIsGatheredGoesWithTheNextRetry(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		for range 3 {
			l.Deposit(t.Context(), site, 0)
		}
		l.Hold(t.Context(), site, 7*time.Second)
		ok, err := l.Withdraw(t.Context(), site, 1.5)
		assert.True(t, ok)
		require.NoError(t, err)
		assert.Equal(t, ledger.Question{Withdraw: 1.5, Successes: 10, Hold: 7 * time.Second}, s.questions[1])
		l.Held(t.Context(), site)
		assert.Len(t, s.questions, 2, "the answer to a retry has the hold in it")
	})
}

func TestAHoldThatIsToldLateIsTheShorterForIt(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		l.Hold(t.Context(), site, 7*time.Second)
		time.Sleep(5 * time.Second)
		_, _ = l.Withdraw(t.Context(), site, 1)
		l.Hold(t.Context(), site, time.Second)
		time.Sleep(5 * time.Second)
		_, _ = l.Withdraw(t.Context(), site, 1)
		assert.Equal(t, 2*time.Second, s.questions[0].Hold)
		assert.Zero(t, s.questions[1].Hold)
	})
}

func TestNobodyGivesBackMoreThanWasTaken(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		s.err = errors.New("away")
		_, err := l.Withdraw(t.Context(), site, 1)
		require.Error(t, err)
		s.err = nil
		time.Sleep(time.Minute)
		l.Refund(t.Context(), site, 1)
		_, _ = l.Withdraw(t.Context(), site, 1)
		l.Refund(t.Context(), site, 5)
		_, _ = l.Withdraw(t.Context(), site, 1)
		assert.Zero(t, s.questions[1].Refund, "of a retry that the store has not paid for")
		assert.Equal(t, 1., s.questions[2].Refund)
		for _, n := range []float64{math.NaN(), -1} {
			_, _ = l.Withdraw(t.Context(), site, n)
			l.Refund(t.Context(), site, n)
			l.Deposit(t.Context(), site, n)
		}
		l.Refund(t.Context(), site, 1)
		_, _ = l.Withdraw(t.Context(), site, 1)
		assert.Equal(t, 1., s.questions[len(s.questions)-1].Refund, "whatever was given back before it")
	})
}

func TestOfALargeBucketOneInFourGivesBackForAll(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		s.answer.Capacity = 1000
		for range 4 { // of which chance takes two
			_, _ = l.Withdraw(t.Context(), site, 1)
			l.Refund(t.Context(), site, 1)
		}
		_, _ = l.Withdraw(t.Context(), site, 1)
		var all float64
		for _, q := range s.questions {
			all += q.Refund
		}
		assert.Equal(t, 8., all)
	})
}

func TestARequestWaitsForAStoreNoLongerThanTheTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		s.latency = time.Hour
		start := time.Now()
		_, err := l.Withdraw(t.Context(), site, 1)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 20*time.Millisecond, time.Since(start))
		for range 100 {
			_, err = l.Withdraw(t.Context(), site, 1)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			l.Deposit(t.Context(), site, 1)
			l.Held(t.Context(), site)
		}
		assert.Equal(t, 20*time.Millisecond, time.Since(start), "it is left alone")
	})
}

func TestAStoreIsLeftAloneForLongerAfterEachFailureAndFiveSecondsAtMost(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		s.err = errors.New("away")
		var at []time.Duration
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
			before := len(s.questions)
			if _, err := l.Withdraw(t.Context(), site, 1); err == nil {
				t.Fatal("no error")
			}
			if len(s.questions) > before {
				at = append(at, time.Since(start))
			}
		}
		assert.Less(t, at[1], 101*time.Millisecond)
		for i := range at[1:] {
			assert.LessOrEqual(t, at[i+1]-at[i], 5*time.Second+2*time.Millisecond)
		}
		assert.Less(t, len(at), 30)
		s.err = nil
		time.Sleep(5 * time.Second)
		_, err := l.Withdraw(t.Context(), site, 1)
		assert.NoError(t, err)
	})
}

func TestARequestThatEndsSaysNothingAboutTheStore(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		s.latency = 10 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := l.Withdraw(ctx, site, 1)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = l.Withdraw(t.Context(), site, 1)
		assert.NoError(t, err)
	})
}

func TestAnAnswerThatMakesNoSenseIsNone(t *testing.T) {
	for _, a := range []ledger.Answer{
		{Granted: true, Capacity: math.NaN()}, {Granted: true, Capacity: -1}, {Granted: true, Balance: math.Inf(1)},
	} {
		bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
			s.answer = a
			ok, err := l.Withdraw(t.Context(), site, 1)
			assert.False(t, ok)
			assert.Error(t, err, "%+v", a)
		})
	}
}

func TestWhoAttendsTellsOnceASecondAndAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		ctx, cancel := context.WithCancel(t.Context())
		go l.Attend(ctx)
		synctest.Wait()
		l.Deposit(t.Context(), site, 0)
		assert.Zero(t, s.asked())
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 1, s.asked())
		l.Deposit(t.Context(), site, 0)
		l.Deposit(t.Context(), site, 0)
		cancel()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 2, s.asked())
	})
}

func TestTheMemoryIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		for i := range 10_000 {
			l.Refund(t.Context(), fmt.Sprintf("http://%d.example", i), 1)
		}
		assert.LessOrEqual(t, l.Sites(), 4096)
	})
}

func TestAHostThatIsTooLongForAKeyIsNotAskedAbout(t *testing.T) {
	bubble(t, func(t *testing.T, l *ledger.Ledger, s *server) {
		long := "http://" + string(make([]byte, 1<<20))
		_, err := l.Withdraw(t.Context(), long, 1)
		assert.Error(t, err)
		l.Refund(t.Context(), long, 1)
		l.Deposit(t.Context(), long, 1)
		l.Hold(t.Context(), long, time.Second)
		l.Held(t.Context(), long)
		assert.Zero(t, l.Sites())
		assert.Empty(t, s.questions)
	})
}
