package sim

// Mutation is one rule of the protocol taken away.
type Mutation struct {
	Name   string
	Rule   string // where it stands
	Break  func(*Rules)
	Seed   uint64 // the history in which it is missed
	Red    string // the invariant that is broken there
	Masked string // why no history can show it; "" where some do
}

// Mutations are all that the suite knows. What each piece is worth is in
// FAILOVER §6.3.
var Mutations = []Mutation{
	{Name: "lease from arrival", Rule: "§3.3: a lease counts from the send time of the heartbeat", Break: func(r *Rules) { r.LeaseFromArrival = true }, Seed: 52, Red: "I13"},
	{Name: "no margin", Rule: "§6.2: the inequality", Break: func(r *Rules) { r.NoMargin = true }, Seed: 81, Red: "I1"},
	{Name: "no guard", Rule: "D8: a separate process fences", Break: func(r *Rules) { r.NoGuard = true }, Seed: 1, Red: "I1"},
	{Name: "engine restarts", Rule: "D9: restart policy no", Break: func(r *Rules) { r.DockerAutostart = true }, Seed: 5, Red: "I13"},
	{Name: "renew behind", Rule: "§3.3: an acknowledgement of another revision renews nothing", Break: func(r *Rules) { r.RenewBehind = true }, Seed: 168, Red: "I1"},
	{Name: "start first", Rule: "§6.5: exclusive is moved stop-first", Break: func(r *Rules) { r.StartFirst = true }, Seed: 9, Red: "I1"},
	{Name: "no order of revisions", Rule: "R1: older desired sets are dropped", Break: func(r *Rules) { r.NoRevOrder = true }, Seed: 31, Red: "I5"},
	{Name: "no check of epochs", Rule: "R2: nothing starts below the highest epoch seen", Break: func(r *Rules) { r.NoEpochCheck = true }, Masked: "not seen in 300 histories yet"},
	{Name: "no sessions", Rule: "§5.1: messages are bound to a session", Break: func(r *Rules) { r.NoSession = true }, Masked: "not seen in 300 histories yet"},
	{Name: "will is death", Rule: "D3: a will is a hint", Break: func(r *Rules) { r.WillIsDeath = true }, Seed: 1, Red: "I3"},
	{Name: "no grace", Rule: "§3.4, 1: a controller that starts waits", Break: func(r *Rules) { r.NoGrace = true }, Masked: "not seen in 300 histories yet"},
	{Name: "no re-arm after a freeze", Rule: "§3.4, 2", Break: func(r *Rules) { r.NoFreezeRearm = true }, Seed: 11, Red: "I3"},
	{Name: "no hold", Rule: "§4: common silence is suspicious", Break: func(r *Rules) { r.NoHold = true }, Seed: 7, Red: "I3"},
	{Name: "no re-arm after a hold", Rule: "§4: the end of a hold gives full new windows", Break: func(r *Rules) { r.NoHoldRearm = true }, Seed: 5, Red: "I3"},
	{Name: "no resend", Rule: "§2: heartbeats are resent", Break: func(r *Rules) { r.NoResend = true }, Seed: 2, Red: "I2"},
	{Name: "no seize", Rule: "decision 4: nobody comes back between decision and commit", Break: func(r *Rules) { r.NoSeize = true }, Seed: 104, Red: "I1"},
	{Name: "confirmed by what is applied", Rule: "decision 2: the receipt of a command confirms a stop", Break: func(r *Rules) { r.ConfirmApplied = true }, Masked: "not seen in 300 histories yet"},
	{Name: "no fence", Rule: "§6.5: force waits for the window", Break: func(r *Rules) { r.NoFence = true }, Masked: "not seen in 300 histories yet"},
	{Name: "no look", Rule: "an agent that starts looks before it speaks", Break: func(r *Rules) { r.NoLook = true }, Masked: "not seen in 300 histories yet"},
	{Name: "engine late", Rule: "assumption: an engine completes no start whose time is over", Break: func(r *Rules) { r.EngineLate = true }, Masked: "not seen in 300 histories yet"},
	{Name: "machine paused", Rule: "A5: no machine is paused as a whole", Break: func(r *Rules) { r.HostPause = true }, Seed: 14, Red: "I1"},
}
