package retrytest_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/retrytest"
)

// inChild is set in the environment of the process that runs the kit on the broken wrappers: a subtest that fails takes
// its parents along, so what is meant to fail has to do so in a process of its own.
const inChild = "RETRYTEST_BROKEN_WRAPPERS"

// What inChild is set to says whether the claims have a Serve.
const (
	scripted = "scripted"
	served   = "served"
)

const noFault = "has no fault"

func TestBrokenChild(t *testing.T) {
	if os.Getenv(inChild) == "" {
		t.Skip("runs in the child of TestEachBrokenWrapperIsCaughtByTheSubtestsMeantForIt")
	}
	whole := broken{fault: noFault, change: changed(func(*reference) {})}
	wrappers, claims := slices.Concat(brokenWrappers, hopelessWrappers, []broken{whole}), retrytest.Claims{}
	if os.Getenv(inChild) == served {
		wrappers, claims.Serve = append(brokenOverServer(), whole), overPipes
	}
	for _, b := range wrappers {
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			testReference(t, b.change, claims)
		})
	}
}

func TestEachBrokenWrapperIsCaughtByTheSubtestsMeantForIt(t *testing.T) {
	t.Parallel()
	// The uploads over loopback take real time, so only those run that are meant to fail.
	var uploads []string
	for _, b := range brokenWrappers {
		if slices.Contains(b.caught, "EarlyReplyUploadHTTP1") {
			uploads = append(uploads, regexp.QuoteMeta(subtestName(b.fault)))
		}
	}
	runs := runBroken(t, scripted, "-test.skip=^TestBrokenChild$/./^EarlyReplyUploadHTTP")
	again := "-test.run=^TestBrokenChild$/^(" + strings.Join(uploads, "|") + ")$/^EarlyReplyUploadHTTP"
	for fault, r := range runBroken(t, scripted, again) {
		maps.Copy(runs[fault], r)
	}

	require.NotEmpty(t, runs[subtestName(noFault)])
	assert.Empty(t, runs[subtestName(noFault)].failed(), "the reference keeps every promise")
	caught := map[string]bool{}
	for _, b := range brokenWrappers {
		r := runs[subtestName(b.fault)]
		meant := b.caught
		if !slices.Contains(r.failed(), b.perhaps) {
			meant = slices.DeleteFunc(slices.Clone(meant), func(name string) bool { return name == b.perhaps })
		}
		assert.ElementsMatch(t, meant, r.failed(), "the subtests that catch a wrapper which %s", b.fault)
		for _, name := range r.failed() {
			caught[name] = true
			assert.Regexp(t, "(?s)Promised: .+ Happened: .+ Why it matters: ", r[name].log,
				"%s, for a wrapper which %s", name, b.fault)
		}
	}
	for _, b := range hopelessWrappers {
		assert.Contains(t, runs[subtestName(b.fault)].failed(), "AttemptsBounded", "a wrapper which %s", b.fault)
	}
	for name := range runs[subtestName(noFault)] {
		assert.True(t, caught[name], "no broken wrapper fails the subtest %s", name)
	}
}

func subtestName(s string) string { return strings.ReplaceAll(s, " ", "_") }

// A kitRun is what became of the kit's subtests, by name.
type kitRun map[string]subtest

type subtest struct {
	failed bool
	log    string
}

func (r kitRun) failed() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if r[name].failed {
			names = append(names, name)
		}
	}
	return names
}

var (
	change = regexp.MustCompile(`^=== (?:NAME|RUN|CONT) +TestBrokenChild/(.+?)/(\w+)$`)
	result = regexp.MustCompile(`^ +--- (FAIL|PASS): TestBrokenChild/(.+?)/(\w+) \(`)
)

// runBroken runs TestBrokenChild in a child process, and returns the runs of the kit by the subtest of each fault.
func runBroken(t *testing.T, claims, arg string) map[string]kitRun {
	t.Helper()
	limit := time.Duration(0) // none
	if end, ok := t.Deadline(); ok {
		limit = time.Until(end) * 9 / 10 // so that it is the child that shows what hangs
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestBrokenChild$", "-test.v", "-test.timeout="+limit.String(), arg)
	cmd.Env = append(os.Environ(), inChild+"="+claims)
	output, err := cmd.CombinedOutput()
	require.Error(t, err, "broken wrappers make the child fail:\n%s", output)
	require.NotContains(t, string(output), "panic: ", "a panic ends the child before its time")

	runs, logs, current := map[string]kitRun{}, map[string]string{}, ""
	for line := range strings.Lines(string(output)) {
		if m := change.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			current = m[1] + "/" + m[2]
			continue
		}
		logs[current] += line
		m := result.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if runs[m[2]] == nil {
			runs[m[2]] = kitRun{}
		}
		runs[m[2]][m[3]] = subtest{failed: m[1] == "FAIL", log: logs[m[2]+"/"+m[3]]}
	}
	return runs
}
