package storm

import (
	"cmp"
	"slices"
	"time"
)

// An event is something that is going to happen to a request.
type event struct {
	at time.Duration
	r  request
}

// A queue is a queue of events that are pushed in the order of their times.
type queue struct {
	events []event
	first  int
}

func (q *queue) push(e event) { q.events = append(q.events, e) }

func (q *queue) head() (time.Duration, bool) {
	if q.first == len(q.events) {
		return 0, false
	}
	return q.events[q.first].at, true
}

func (q *queue) pop() event {
	e := q.events[q.first]
	q.first++
	if q.first > 1024 && q.first > len(q.events)/2 {
		n := copy(q.events, q.events[q.first:])
		q.events, q.first = q.events[:n], 0
	}
	return e
}

const (
	tick  = time.Millisecond
	ticks = 1 << 17 // nothing waits longer than that, about two minutes
)

// A wheel is a queue of events that are pushed in any order: a list of events for
// each millisecond to come. It is tempting to use container/heap, but that boxes every
// event, and a heap of a hundred thousand of them spends its time waiting for memory.
type wheel struct {
	lists  [ticks]int32 // per tick, the index of its first node, plus one
	nodes  []node
	free   int32 // likewise
	length int   // of the events in lists
	tick   int64 // the one whose events are in now
	now    []event
}

type node struct {
	event
	next int32
}

func (w *wheel) push(e event) {
	at := int64(e.at / tick)
	if at <= w.tick {
		i, _ := slices.BinarySearchFunc(w.now, e, latestFirst)
		w.now = slices.Insert(w.now, i, e)
		return
	}
	list := &w.lists[at%ticks]
	n := node{e, *list}
	if w.free == 0 {
		w.nodes = append(w.nodes, n)
		*list = int32(len(w.nodes))
	} else {
		i := w.free
		w.free = w.nodes[i-1].next
		w.nodes[i-1] = n
		*list = i
	}
	w.length++
}

// head returns the time of the earliest event, if that is not after limit. Nothing may
// be pushed later for a time before limit or the head.
func (w *wheel) head(limit time.Duration) (time.Duration, bool) {
	for len(w.now) == 0 {
		if w.length == 0 || w.tick >= int64(limit/tick) {
			return 0, false
		}
		w.turn()
	}
	at := w.now[len(w.now)-1].at
	return at, at <= limit
}

// turn takes the events of the next tick out of their list, into now, the latest first.
func (w *wheel) turn() {
	w.tick++
	list := &w.lists[w.tick%ticks]
	for *list != 0 {
		i := *list
		n := &w.nodes[i-1]
		w.now = append(w.now, n.event)
		*list, n.next = n.next, w.free
		w.free = i
		w.length--
	}
	slices.SortFunc(w.now, latestFirst)
}

func (w *wheel) pop() event {
	e := w.now[len(w.now)-1]
	w.now = w.now[:len(w.now)-1]
	return e
}

// latestFirst orders the latest first, and events of one time in a way that does not depend
// on how they came.
func latestFirst(a, b event) int {
	return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.r.client, a.r.client))
}
