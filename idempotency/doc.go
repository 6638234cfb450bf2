// Package idempotency gives requests a key by which their server knows them again, so that a POST may be retried and is
// still carried out once.
//
// A [Transport] stands outside of the one that retries. The key is made once per call, so that each attempt has the
// same, and its presence is what makes the request idempotent for package retry:
//
//	client := &http.Client{Transport: &idempotency.Transport{Base: retry.New(nil, retry.Policy{})}}
//	resp, err := client.Post("https://api.example.com/orders", "application/json", strings.NewReader(order))
//
// Only a server that keeps the keys makes that safe: whoever ignores the field carries the POST out as often as it
// arrives. So use it for the servers that document it, and under the name and in the form that they ask for:
//
//	&idempotency.Transport{Base: base, Header: "PayPal-Request-Id"} // a name of the server's own
//	&idempotency.Transport{Base: base, Quoted: true}                // "in quotes", as the Internet-Draft has it
//
// A call is one [http.Client.Do], or one RoundTrip. Calling again after an error makes another key. Who wants to repeat
// an order tomorrow under the same key keeps one with the order, and sets the field, or has it returned by
// Transport.Key.
package idempotency
