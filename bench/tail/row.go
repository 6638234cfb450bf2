package tail

import "net/http"

// A Row is one line of the table: requests of one kind to a server that fails in one way.
type Row struct {
	Name     string // a part of a benchmark's name
	Title    string
	HTTP2    bool
	Method   string
	Size     int // of the request's body
	Mix      Mix
	Restart  bool // the server is away for 300 ms, after half of the requests
	Requests int
	Rate     int // requests a second, whatever becomes of those before
}

// together is all faults that are not a restart.
var together = Mix{Reset: 0.01, Unavailable: 0.05, TooMany: 0.05, Stall: 0.01, Drip: 0.01}

// Rows returns the table. PUTs of 1 MiB come at a rate that leaves the processors idle for half of the time.
func Rows() []Row {
	const many, few, size = 2000, 150, 1 << 20
	get := func(name, title string, m Mix) Row {
		return Row{Name: name, Title: title, Method: http.MethodGet, Mix: m, Requests: 2000, Rate: many}
	}
	rows := []Row{
		get("GET-resets", "GET, 1 % resets", Mix{Reset: 0.01}),
		get("GET-503", "GET, 5 % 503", Mix{Unavailable: 0.05}),
		get("GET-429", "GET, 5 % 429 with Retry-After: 0", Mix{TooMany: 0.05}),
		get("GET-stalls", "GET, 1 % stalls of 2 s", Mix{Stall: 0.01}),
		get("GET-drip", "GET, 5 % 503 whose page drips for 1 s", Mix{Drip: 0.05}),
	}
	restarting := func(name, title, method string, size int, m Mix, requests, rate int) Row {
		return Row{name, title, false, method, size, m, true, requests, rate}
	}
	rows = append(rows,
		restarting("GET-restart", "GET, a restart of 300 ms", http.MethodGet, 0, Mix{}, 2000, many/2),
		restarting("GET-all", "GET, all of these", http.MethodGet, 0, together, 2000, many/2),
		restarting("PUT-all", "PUT of 1 MiB, all of these", http.MethodPut, size, together, 900, few),
		restarting("POST-all", "POST of 1 KiB, all of these", http.MethodPost, 1<<10, together, 2000, many/2),
	)
	over := func(r Row, rate int) Row {
		r.Name, r.Title, r.HTTP2, r.Rate = r.Name+"-HTTP2", r.Title+", HTTP/2", true, rate
		return r
	}
	return append(rows, over(rows[0], many), over(rows[5], many/2), over(rows[6], many/2), over(rows[7], few))
}
