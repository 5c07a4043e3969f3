package mqttlink

import "time"

// How long is waited between attempts, at most; the wait itself is random
// below that, so that a fleet which lost its controller does not return as
// one.
const (
	backoffBase = 500 * time.Millisecond
	// backoffCap and the time that a server which stands still may take to
	// answer have to be within the margin that a controller gives its nodes to
	// find it (controller/internal/liveness).
	backoffCap = 10 * time.Second
	// lostSpread is for the first attempt after a session that had lasted:
	// everybody else may have lost theirs at the same moment.
	lostSpread = 3 * time.Second
	// refusedPause is for a credential that is not accepted: trying again
	// soon changes nothing, yet it may be accepted again one day.
	refusedPause = 60 * time.Second
	// hurried is for how many rounds pauses are as short as is asked for. After
	// them, ten such pauses on average, nobody waits for us any more, and a link
	// that is down for days must not keep a small machine busy.
	hurried = 20
	// lasting is how long a session must have held for the next trouble to
	// count as the first one. Two agents with one client id throw each other
	// out at once, and must not do so ever faster.
	lasting = 10 * time.Second
)

// wait says between which times from now the next attempt is due, after so
// many failures in a row over all servers, and one more for the given cause,
// with pauses of at most hurry while that may help (0: backoffCap). The servers
// of a round are asked with hardly a pause: one of them may be the one that has
// just taken over.
func wait(cause Cause, failures, servers int, hurry time.Duration) (atLeast, below time.Duration) {
	rounds := failures / servers
	longest := backoffCap
	if hurry > 0 && rounds < hurried {
		longest = min(max(hurry, backoffBase), backoffCap)
	}
	switch {
	case cause == Refused || cause == Forbidden:
		return refusedPause / 2, refusedPause
	case cause == Barred:
		return 0, backoffBase
	case cause == Lost && rounds == 0:
		return 0, min(lostSpread, longest)
	case (failures+1)%servers != 0:
		return 0, backoffBase
	}
	const enough = 5 // doublings to pass the cap
	return 0, min(longest, backoffBase<<min(rounds, enough))
}
