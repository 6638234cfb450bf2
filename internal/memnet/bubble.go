package memnet

import (
	"regexp"
	"runtime"
	"strings"
)

var bubbleOf = regexp.MustCompile(`^goroutine \d+ .*\bsynctest bubble (\d+)`)

// Bubble returns the number of the testing/synctest bubble that the caller is in, or "" outside of any.
func Bubble() string {
	buf := make([]byte, 200)
	return inBubble(string(buf[:runtime.Stack(buf, false)]))
}

// StackIn returns the stack of a goroutine that is in the given bubble, or "" if there is none.
func StackIn(bubble string) string {
	buf := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if bubble != "" && inBubble(stack) == bubble {
			return stack
		}
	}
	return ""
}

func inBubble(stack string) string {
	m := bubbleOf.FindStringSubmatch(stack)
	if m == nil {
		return ""
	}
	return m[1]
}
