package retry_test

import (
	"cmp"
	"slices"
	"time"
)

// A stormEvent is something that is going to happen to a request.
type stormEvent struct {
	at time.Duration
	r  stormRequest
}

// stormQueue is a queue of events that are pushed in the order of their times.
type stormQueue struct {
	events []stormEvent
	first  int
}

func (q *stormQueue) push(e stormEvent) { q.events = append(q.events, e) }

func (q *stormQueue) head() (time.Duration, bool) {
	if q.first == len(q.events) {
		return 0, false
	}
	return q.events[q.first].at, true
}

func (q *stormQueue) pop() stormEvent {
	e := q.events[q.first]
	q.first++
	if q.first > 1024 && q.first > len(q.events)/2 {
		n := copy(q.events, q.events[q.first:])
		q.events, q.first = q.events[:n], 0
	}
	return e
}

const (
	stormTick  = time.Millisecond
	stormTicks = 1 << 17 // nothing waits longer than that, about two minutes
)

// stormWheel is a queue of events that are pushed in any order: a list of events for
// each millisecond to come. It is tempting to use container/heap, but that boxes every
// event, and a heap of a hundred thousand of them spends its time waiting for memory.
type stormWheel struct {
	lists  [stormTicks]int32 // per tick, the index of its first node, plus one
	nodes  []stormNode
	free   int32 // likewise
	length int   // of the events in lists
	tick   int64 // the one whose events are in now
	now    []stormEvent
}

type stormNode struct {
	stormEvent
	next int32
}

func (w *stormWheel) push(e stormEvent) {
	tick := int64(e.at / stormTick)
	if tick <= w.tick {
		i, _ := slices.BinarySearchFunc(w.now, e, stormLatestFirst)
		w.now = slices.Insert(w.now, i, e)
		return
	}
	list := &w.lists[tick%stormTicks]
	node := stormNode{e, *list}
	if w.free == 0 {
		w.nodes = append(w.nodes, node)
		*list = int32(len(w.nodes))
	} else {
		i := w.free
		w.free = w.nodes[i-1].next
		w.nodes[i-1] = node
		*list = i
	}
	w.length++
}

// head returns the time of the earliest event, if that is not after limit. Nothing may
// be pushed later for a time before limit or the head.
func (w *stormWheel) head(limit time.Duration) (time.Duration, bool) {
	for len(w.now) == 0 {
		if w.length == 0 || w.tick >= int64(limit/stormTick) {
			return 0, false
		}
		w.turn()
	}
	at := w.now[len(w.now)-1].at
	return at, at <= limit
}

// turn takes the events of the next tick out of their list, into now, the latest first.
func (w *stormWheel) turn() {
	w.tick++
	list := &w.lists[w.tick%stormTicks]
	for *list != 0 {
		i := *list
		node := &w.nodes[i-1]
		w.now = append(w.now, node.stormEvent)
		*list, node.next = node.next, w.free
		w.free = i
		w.length--
	}
	slices.SortFunc(w.now, stormLatestFirst)
}

func (w *stormWheel) pop() stormEvent {
	e := w.now[len(w.now)-1]
	w.now = w.now[:len(w.now)-1]
	return e
}

// stormLatestFirst orders the latest first, and events of one time in a way that does not depend
// on how they came.
func stormLatestFirst(a, b stormEvent) int {
	return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.r.client, a.r.client))
}
