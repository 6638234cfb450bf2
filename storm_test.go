package retry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// stormSmall is the fleet of the short tests: a tenth of the clients, each as busy as in the whole programme, at a server of
// a tenth of the capacity.
func stormSmall(rate float64) stormFleet { return stormFleet{clients: int(1000 / rate), rate: rate} }

// withoutRaceDetector skips what takes ten times as long with it: a simulation has one goroutine, so that there are no
// races to find.
func withoutRaceDetector(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("a simulation has one goroutine")
	}
}

func TestAServerThatWasSlowRecoversAsIfNobodyRetried(t *testing.T) {
	withoutRaceDetector(t)
	for _, load := range []float64{0.7, 0.9} {
		none, ok := stormNone.run(stormMetastable(load), stormSmall(10)).recovery()
		assert.True(t, ok)
		for _, rate := range []float64{10, 1} {
			got, ok := stormDefault.run(stormMetastable(load), stormSmall(rate)).recovery()
			assert.True(t, ok)
			assert.LessOrEqual(t, got.Seconds(), 1.1*none.Seconds(), "load %v, %v requests a second", load, rate)
		}
	}
	_, ok := stormUnlimited.run(stormMetastable(0.7), stormSmall(10)).recovery()
	assert.False(t, ok, "without budget")
}

func TestAServerThatWasSlowRecoversFromManyRareClients(t *testing.T) {
	withoutRaceDetector(t)
	none, _ := stormNone.run(stormMetastable(0.7), stormSmall(0.1)).recovery()
	got, ok := stormDefault.run(stormMetastable(0.7), stormSmall(0.1)).recovery()
	assert.True(t, ok)
	assert.LessOrEqual(t, got.Seconds(), 1.6*none.Seconds())
}

func TestRequestsOfAShortOutageEndWell(t *testing.T) {
	withoutRaceDetector(t)
	for _, rate := range []float64{10, 1, 0.1} {
		assert.GreaterOrEqual(t, stormDefault.run(stormBlip(2*time.Second), stormSmall(rate)).savedShare(), 0.97)
	}
}

func TestRequestsEndWellWhenAThirdOfTheAttemptsFails(t *testing.T) {
	withoutRaceDetector(t)
	assert.GreaterOrEqual(t, stormDefault.run(stormPartial(0.33), stormSmall(10)).savedShare(), 0.985)
}

func TestALongOutageSeesFewRetries(t *testing.T) {
	withoutRaceDetector(t)
	st := stormDefault.run(stormOutage(30*time.Second), stormSmall(10))
	assert.LessOrEqual(t, st.amplification(stormWarmup+20*time.Second, stormWarmup+30*time.Second), 1.2)
}

func TestSharedRetryAfterTakesTheLoadOffAnOutage(t *testing.T) {
	withoutRaceDetector(t)
	for _, rate := range []float64{10, 1} {
		st := stormShared.run(stormOutage(30*time.Second), stormSmall(rate))
		assert.LessOrEqual(t, st.amplification(stormWarmup, stormWarmup+30*time.Second), 0.3)
		assert.GreaterOrEqual(t, st.savedShare(), 0.85)
	}
}

func TestAModelWithoutBudgetDoesWhatThePackageDoes(t *testing.T) {
	withoutRaceDetector(t)
	for _, s := range []stormScenario{stormOutage(5 * time.Second), stormMetastable(0.7), stormPartial(0.33)} {
		unlimited := stormPackage("", retry.Policy{Budget: retry.Unlimited}, stormBudgetSize{})
		assert.Equal(t, stormUnlimited.run(s, stormSmall(10)), unlimited.run(s, stormSmall(10)), s.name)
		none := stormPackage("", retry.Policy{MaxAttempts: 1}, stormBudgetSize{})
		assert.Equal(t, stormNone.run(s, stormSmall(10)), none.run(s, stormSmall(10)), s.name)
	}
}

func TestASimulationIsTheSameForTheSameSeed(t *testing.T) {
	s := stormOutage(5 * time.Second)
	assert.Equal(t, stormShared.run(s, stormSmall(10)), stormShared.run(s, stormSmall(10)))
}
