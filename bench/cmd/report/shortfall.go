package main

import "fmt"

// These say why a limit is exceeded, if it is, or why it is what it is, in figures of the same report; and what nobody
// gets below.

// figure is the median of a contender's, as a number.
func (s *samples) figure(bench, contender, unit string) string {
	return number(median(s.of(bench, contender, unit)))
}

func whySuccess(s *samples) string {
	return fmt.Sprintf("The context is asked for a policy, and the budget finds the authority's bucket and adds to it atomically. "+
		"rehttp takes %s ns more than the stub, and allocates %s B.",
		number(median(s.overBare("Success", "rehttp"))), s.figure("Success", "rehttp", "B/op"))
}

func retryFloor(s *samples) float64 {
	return median(s.of("Floor", "all_of_these,_the_base_twice", "cpu-ns/op"))
}

func whyRetry(s *samples) string {
	floor := func(what string) string { return s.figure("Floor", what, "cpu-ns/op") }
	return fmt.Sprintf("The floor is the stub twice (%s ns each), one look at the clock (%s ns), without which neither a Retry-After "+
		"nor a deadline can be held against the time, and a context, by which other layers know the retry, with the copy of "+
		"the request that has it (%s ns, 2 allocations): %s ns in all. The rest reads the response, decides, and settles with "+
		"the budget. The hand-written loop, which has no clock, no context and no "+
		"Retry-After, takes %s ns.",
		floor("the_base,_once"), floor("a_look_at_the_clock"), floor("a_context_and_a_copy_of_the_request"),
		floor("all_of_these,_the_base_twice"), s.figure("RetryGet", "hand-written", "cpu-ns/op"))
}

// waitingFloor is what a request holds that nearly nobody sends without an http.Client.
func waitingFloor(s *samples) float64 {
	return median(s.of("WaitingClient", "hand-written", "B/waiting"))
}

func whyWaiting(s *samples) string {
	return fmt.Sprintf("A stack has 2 KiB or 4. Behind an http.Client every one has 4, also that of the hand-written loop (%s B), "+
		"and of a goroutine that only waits for its context (%s B). Without a Client these stay within 2 (%s B and %s B), and the "+
		"decision does not.",
		s.figure("WaitingClient", "hand-written", "B/waiting"), s.figure("WaitingClient", "bare", "B/waiting"),
		s.figure("Waiting", "hand-written", "B/waiting"), s.figure("Waiting", "bare", "B/waiting"))
}

func leavingFloor(s *samples) float64 { return median(s.of("Waiting", "bare", "ms-to-leave")) }

func whyLeaving(s *samples) string {
	return fmt.Sprintf("10,000 goroutines that wait for the context and nothing else take %s ms on this machine, and the hand-written "+
		"loop %s ms. Ours make an error besides that says how many attempts there were.",
		s.figure("Waiting", "bare", "ms-to-leave"), s.figure("Waiting", "hand-written", "ms-to-leave"))
}
