// Package storm simulates overload: a fleet of clients that send through package retry, or by somebody else's budget,
// at a server that is slow, down, overloaded, or limits their rate. It runs in virtual time, and is the same for the
// same seed.
//
// The clients of package retry are its own [retry.Policy.Decide] and [retry.Policy.Admit], with a Budget and a Gate for
// each client. Only sending and waiting are the simulation's.
//
//   - world.go is the server and the requests; queue.go has what is going to happen to them
//   - clients.go is package retry; models.go has the budgets of others; kinds.go names both
//   - scenarios.go says what happens to the server
//   - stats.go counts what a run shows; columns.go makes figures of it
//   - programme.go runs all that tables.go, more.go, verdict.go and figures.go ask for
package storm
