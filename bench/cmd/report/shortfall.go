package main

import "fmt"

// These say why a limit is exceeded, if it is, in figures of the same report.

func whySuccess(s *samples) string {
	return fmt.Sprintf("The context is asked for a policy, and the budget finds the authority's bucket and adds to it atomically. "+
		"rehttp takes %s ns more than the stub, and allocates %s B.",
		number(median(s.overBare("Success", "rehttp"))), number(median(s.of("Success", "rehttp", "B/op"))))
}

func whyRetry(s *samples) string {
	return fmt.Sprintf("The hand-written loop, which reads no Retry-After, no clock and no deadline, takes %s ns on this machine.",
		number(median(s.of("RetryGet", "hand-written", "cpu-ns/op"))))
}

func whyWaiting(s *samples) string {
	return fmt.Sprintf("The hand-written loop holds %s B, and a goroutine that waits for its context, with no retry at all, %s B. "+
		"The rest is the stack: the decision needs more than fits into the 2 KiB that a goroutine starts with, so that it has 4. "+
		"Behind an http.Client every stack has: there it is %s B, and %s B for the hand-written loop.",
		number(median(s.of("Waiting", "hand-written", "B/waiting"))), number(median(s.of("Waiting", "bare", "B/waiting"))),
		number(median(s.of("WaitingClient", withoutBudget, "B/waiting"))),
		number(median(s.of("WaitingClient", "hand-written", "B/waiting"))))
}

func whyLeaving(s *samples) string {
	return fmt.Sprintf("10,000 goroutines that wait for the context and nothing else take %s ms on this machine.",
		number(median(s.of("Waiting", "bare", "ms-to-leave"))))
}
