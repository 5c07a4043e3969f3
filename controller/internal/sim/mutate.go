package sim

// Mutation is one rule of the protocol taken away. It is missed in a history
// here, or by a test elsewhere: then no history is known that needs the rule,
// for the reason given. A rule with nothing to Break is of a part that is not
// played here. A test that is named was seen to fail without its rule.
type Mutation struct {
	Name      string
	Rule      string // where it stands
	Break     func(*Rules)
	Scene     string // in which it is missed; "": in a history by chance
	Seed      uint64 // the history in which it is missed
	Red       string // the invariant that is broken there
	Elsewhere string // the test that misses it, as directory and name; "": a history does
	Masked    string // why no history does
}

// Mutations are all that the suite knows. What each piece is worth is in
// FAILOVER §6.3.
var Mutations = []Mutation{
	{Name: "lease from arrival", Rule: "§3.3: a lease counts from the send time of the heartbeat", Break: func(r *Rules) { r.LeaseFromArrival = true }, Seed: 194, Red: "I1"},
	{Name: "no margin", Rule: "§6.2: the inequality", Break: func(r *Rules) { r.NoMargin = true }, Seed: 701, Red: "I1"},
	{Name: "no guard", Rule: "D8: a separate process fences", Break: func(r *Rules) { r.NoGuard = true }, Seed: 1, Red: "I1"},
	{Name: "engine restarts", Rule: "D9: restart policy no", Break: func(r *Rules) { r.DockerAutostart = true }, Seed: 19, Red: "I1"},
	{Name: "renew behind", Rule: "§3.3: an acknowledgement of another revision renews nothing", Break: func(r *Rules) { r.RenewBehind = true }, Seed: 3, Red: "I1"},
	{Name: "start first", Rule: "§6.5: exclusive is moved stop-first", Break: func(r *Rules) { r.StartFirst = true }, Seed: 3, Red: "I1"},
	{Name: "no order of revisions", Rule: "R1: older desired sets are dropped", Break: func(r *Rules) { r.NoRevOrder = true }, Seed: 29, Red: "I5"},
	{Name: "no check of epochs", Rule: "R2: nothing starts below the highest epoch seen", Break: func(r *Rules) { r.NoEpochCheck = true }, Scene: "a database that was restored", Seed: 1, Red: "I1"},
	{Name: "no sessions", Rule: "§5.1: messages are bound to a session", Break: func(r *Rules) { r.NoSession = true }, Scene: "an answer to an earlier session", Seed: 5, Red: "I1"},
	{Name: "will is death", Rule: "D3: a will is a hint", Break: func(r *Rules) { r.WillIsDeath = true }, Seed: 1, Red: "I3"},
	{Name: "keys are life", Rule: "§4: a missing key in Redis is no evidence", Break: func(r *Rules) { r.KeysAreLife = true }, Seed: 32, Red: "I3"},
	{Name: "no grace", Rule: "§3.4, 1: a controller that starts waits", Break: func(r *Rules) { r.NoGrace = true }, Scene: "a return that nobody wrote down", Seed: 4, Red: "I1"},
	{Name: "no re-arm after a freeze", Rule: "§3.4, 2", Break: func(r *Rules) { r.NoFreezeRearm = true }, Seed: 7, Red: "I3"},
	{Name: "no hold", Rule: "§4: common silence is suspicious", Break: func(r *Rules) { r.NoHold = true }, Seed: 2, Red: "I3"},
	{Name: "no re-arm after a hold", Rule: "§4: the end of a hold gives full new windows", Break: func(r *Rules) { r.NoHoldRearm = true }, Seed: 2, Red: "I3"},
	{Name: "no resend", Rule: "§2: heartbeats are resent", Break: func(r *Rules) { r.NoResend = true }, Seed: 1, Red: "I3"},
	{Name: "no seize", Rule: "decision 4: nobody comes back between decision and commit", Break: func(r *Rules) { r.NoSeize = true }, Seed: 558, Red: "I1"},
	{Name: "confirmed by what is applied", Rule: "decision 2: the receipt of a command confirms a stop", Break: func(r *Rules) { r.ConfirmApplied = true }, Seed: 166, Red: "I1"},
	{Name: "no fence", Rule: "§6.5: force waits for the window", Break: func(r *Rules) { r.NoFence = true }, Seed: 3, Red: "I1"},
	{Name: "no look", Rule: "an agent that starts looks before it speaks", Break: func(r *Rules) { r.NoLook = true }, Scene: "an agent that starts while its engine is at work", Seed: 1, Red: "I1"},
	{Name: "agent forgets", Rule: "§5.4: an agent has on disk what it was told", Break: func(r *Rules) { r.Forgets = true }, Scene: "a controller that is gone for long", Seed: 1, Red: "I13"},
	{Name: "sent early", Rule: "R8: nothing is sent before its commit", Break: func(r *Rules) { r.SendEarly = true }, Scene: "a commit that fails", Seed: 1, Red: "I2"},
	{Name: "two reign", Rule: "D13: one controller reigns at a time", Break: func(r *Rules) { r.NoReign = true }, Seed: 127, Red: "I3"},
	{Name: "no end of a reign", Rule: "§11.1: authority ends by the controller's own clock", Break: func(r *Rules) { r.NoTenure = true }, Seed: 20, Red: "I3"},
	{Name: "no fence by term", Rule: "§11.1: what a deposed controller decided is not committed", Break: func(r *Rules) { r.NoTermFence = true }, Scene: "a record that is written too late", Seed: 5, Red: "I2"},
	{Name: "no hanging up", Rule: "§11.1: a controller without authority keeps no agents", Break: func(r *Rules) { r.NoHangUp = true }, Seed: 34, Red: "I3"},
	{Name: "no terms", Rule: "§11.1: agents believe no controller that was replaced", Break: func(r *Rules) { r.NoTerm = true }, Scene: "a controller that slept", Seed: 5, Red: "I1"},
	{Name: "old record", Rule: "§6.4: a guard's record is that of this boot", Break: func(r *Rules) { r.OldRecord = true }, Seed: 21, Red: "I1"},
	{Name: "no scan", Rule: "§6.4: what the guard's record does not have may not run", Break: func(r *Rules) { r.NoScan = true }, Scene: "a container that somebody starts by hand", Seed: 1, Red: "I1"},
	{Name: "no lease", Rule: "R2: nothing exclusive starts without a lease", Break: func(r *Rules) { r.NoLease = true }, Seed: 1, Red: "I13"},
	{Name: "leases for those that return", Rule: "§3.2: no lease before a node is in sync", Break: func(r *Rules) { r.LeaseReturning = true }, Seed: 270, Red: "I1"},
	{Name: "leases without a guard", Rule: "§3.3: no lease for a node without a guard", Break: func(r *Rules) { r.LeaseUnguarded = true }, Seed: 104, Red: "I1"},
	{Name: "let go with no revision", Rule: "decision 4: a node yields to the revision of the commit", Break: func(r *Rules) { r.NoYieldRev = true }, Scene: "a return while a decision is on its way", Seed: 1, Red: "I1"},
	{Name: "no growth", Rule: "§3.3: a new revision counts from its commit", Break: func(r *Rules) { r.NoGrew = true }, Seed: 112, Red: "I2"},
	{Name: "no versions", Rule: "§7: a step is done on what it was decided on", Break: func(r *Rules) { r.NoVersion = true }, Elsewhere: "controller/internal/store TestI5_I7_I8_I14_AStepIsDoneWhollyOrNotAtAll", Masked: "the fence by term and one round at a time have it; see neither terms nor versions. It is for people and retries, which change a migration between a round's look and its commit"},
	{Name: "no room", Rule: "D11: room is taken by a conditional update", Break: func(r *Rules) { r.NoRoom = true }, Scene: "a container that is made while a decision is on its way", Seed: 1, Red: "I7"},
	{Name: "moved twice", Rule: "§7: one open migration per container", Break: func(r *Rules) { r.NoUnique = true }, Seed: 3, Red: "I8"},
	{Name: "no cursor", Rule: "R5: an event is taken in once", Break: func(r *Rules) { r.NoCursor = true }, Seed: 1, Red: "I9"},
	{Name: "acknowledged early", Rule: "R5: events are acknowledged after the commit", Break: func(r *Rules) { r.AckEarly = true }, Seed: 2, Red: "I9"},
	{Name: "no cordon", Rule: "§3.2: a cordoned node is no target", Break: func(r *Rules) { r.NoCordon = true }, Seed: 1, Red: "I10"},
	{Name: "no quarantine", Rule: "§3.5: a node that flaps is no target", Break: func(r *Rules) { r.NoQuarantine = true }, Seed: 74, Red: "I10"},
	{Name: "stale targets", Rule: "§8: a target was heard just now", Break: func(r *Rules) { r.StaleTargets = true }, Seed: 8, Red: "I10"},
	{Name: "no exclusion", Rule: "§8: a container does not move to where it is", Break: func(r *Rules) { r.NoExclusion = true }, Seed: 13, Red: "I10"},
	{Name: "dead on somebody's word", Rule: "§6.5: a node that talks is not dead", Break: func(r *Rules) { r.ConfirmLiving = true }, Seed: 142, Red: "I1"},
	{Name: "no gate of Postgres", Rule: "§3.4, 5", Break: func(r *Rules) { r.NoPostgresGate = true }, Seed: 2, Red: "I3"},
	{Name: "no word for the line", Rule: "§3.4: somebody was heard within a beat", Elsewhere: "controller/internal/liveness TestAVerdictNeedsALineThatCarries", Masked: "few histories have one that comes so late: 2 of 20,000"},
	{Name: "long pauses", Rule: "§4: an agent tries to come back as often as it should be heard", Elsewhere: "agent/internal/link TestPausesAreNoLongerThanAHeartbeat", Masked: "few histories have one that comes back just too late: 1 of 4,000"},
	{Name: "mail unread", Rule: "§3.4, 3: a backlog is not silence", Elsewhere: "controller/internal/liveness TestGatesThatClose", Masked: "heartbeats do not wait for anything here"},
	{Name: "no limit", Rule: "§3.4, 6: few nodes are given up at once", Elsewhere: "controller/internal/liveness TestLimiter", Masked: "it bounds the harm of what nobody has thought of; fleets here are smaller than its burst"},
	{Name: "no hold of a site", Rule: "§4: the policy of a cluster whose nodes fall silent together", Elsewhere: "controller/internal/liveness TestSiteOutage", Masked: "there are no clusters here"},
	{Name: "deaf unnoticed", Rule: "§4: a controller that does not hear itself holds", Elsewhere: "controller/internal/loops TestADoorThatDoesNotAnswerHoldsTheFleet", Masked: "controllers do not listen to themselves here"},
	{Name: "deaf on somebody's word", Rule: "§4: nobody releases a controller that does not hear itself", Elsewhere: "controller/internal/liveness TestAnOperatorReleasesASilence", Masked: "as above"},
	{Name: "regressed unseen", Rule: "R7: a database that was restored decides nothing", Elsewhere: "controller/internal/app TestI5ARestoredDatabaseTakesNothingBack", Masked: "nothing is said here about what was restored: it is a person's to release"},
	{Name: "late commands", Rule: "R3: a command has a deadline", Elsewhere: "agent/internal/link TestTransientCommands", Masked: "commands that are not part of the desired set are not played here"},
	{Name: "commands twice", Rule: "R4: a command is carried out once", Elsewhere: "agent/internal/link TestTransientCommands", Masked: "as above"},
	{Name: "endless outbox", Rule: "R6: the outbox is bounded, and loses no result", Elsewhere: "agent/internal/ledger TestAFullOutboxTakesNoCommandsAndLosesNoResult", Masked: "disks have no end here"},
	{Name: "sessions kept", Rule: "D6: nothing queues in the broker", Elsewhere: "broker TestPlainConnect", Masked: "the broker here keeps nothing"},
	{Name: "any will", Rule: "§1.1: a will is for the node's own topic", Elsewhere: "broker TestWillIsCheckedAtConnect", Masked: "nobody is malicious here"},
	{Name: "will of the replaced", Rule: "§1.1: a connection that was taken over has no will", Elsewhere: "broker TestWillOfATakenOverConnectionIsDropped", Masked: "the broker here does so by itself"},
	{Name: "neither terms nor versions", Rule: "§7, §11.1: each of them is enough", Break: func(r *Rules) { r.NoTermFence, r.NoVersion = true, true }, Seed: 541, Red: "I8"},
	{Name: "engine late", Rule: "assumption: an engine completes no start whose time is over", Break: func(r *Rules) { r.EngineLate = true }, Scene: "an engine that comes to itself", Seed: 1, Red: "I1"},
	{Name: "machine paused", Rule: "A5: no machine is paused as a whole", Break: func(r *Rules) { r.HostPause = true }, Seed: 20, Red: "I1"},
}
