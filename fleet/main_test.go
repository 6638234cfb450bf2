package fleet_test

import (
	"os"
	"testing"
)

// TestMain runs the tests, or, if the process was started by the soak, one process of a fleet.
func TestMain(m *testing.M) {
	if os.Getenv(memberEnv) != "" {
		os.Exit(member())
	}
	os.Exit(m.Run())
}
