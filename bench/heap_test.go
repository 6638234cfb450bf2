package bench_test

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// watchHeap starts to watch the heap. The function that it returns ends that, and tells by how many bytes the heap
// exceeded its size at the start, at most. Garbage that is not collected yet counts: it is memory that is taken.
func watchHeap() (peak func() uint64) {
	runtime.GC()
	start := heapBytes()
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		highest := start
		for {
			highest = max(highest, heapBytes())
			select {
			case <-stop:
				done <- highest - start
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-done
	}
}

func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// held returns the bytes of heap and stacks in use after a collection.
func held() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
