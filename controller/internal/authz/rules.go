package authz

import "github.com/lormas/lormas/controller/internal/fleet"

// Access is who may use a verb at all.
type Access string

// The accesses.
const (
	Public     Access = "public"     // anybody
	SignedIn   Access = "signed in"  // everybody with an account, for what is his own
	Permission Access = "permission" // who was granted it
)

// Rule is the row of one verb in the table of permissions.
type Rule struct {
	Verb    fleet.Verb
	Access  Access
	Changes bool // it leaves an audit entry when it succeeds
	Help    string
}

// Rules is the table: every verb once. The API, its document and the topics
// are checked against it.
var Rules = []Rule{
	{fleet.NodeCreate, Permission, true, "add nodes and receive their first credential"},
	{fleet.NodeView, Permission, false, "see nodes and their heartbeats"},
	{fleet.NodeEdit, Permission, true, "rename nodes, label them and move them between clusters"},
	{fleet.NodeDelete, Permission, true, "remove nodes"},
	{fleet.NodeCredentialRotate, Permission, true, "give a node a new credential"},
	{fleet.NodeCredentialRevoke, Permission, true, "take a node's credential away and cut its connection"},
	{fleet.NodeHealthView, Permission, false, "see the health of nodes"},
	{fleet.NodeCordon, Permission, true, "keep new containers away from nodes"},
	{fleet.NodeDrain, Permission, true, "have a node's containers moved to others"},
	{fleet.NodeConfirmDead, Permission, true, "vouch that a silent node does not run, so that its containers move at once"},
	{fleet.NodeWireView, Permission, false, "read the raw messages between controller and agents"},

	{fleet.ClusterCreate, Permission, true, "add clusters"},
	{fleet.ClusterView, Permission, false, "see clusters"},
	{fleet.ClusterEdit, Permission, true, "change clusters"},
	{fleet.ClusterDelete, Permission, true, "remove clusters"},

	{fleet.EggCreate, Permission, true, "add and import eggs"},
	{fleet.EggView, Permission, false, "see and export eggs"},
	{fleet.EggEdit, Permission, true, "change eggs"},
	{fleet.EggDelete, Permission, true, "remove eggs"},
	{fleet.EggCategoryCreate, Permission, true, "add egg categories"},
	{fleet.EggCategoryView, Permission, false, "see egg categories"},
	{fleet.EggCategoryEdit, Permission, true, "change egg categories"},
	{fleet.EggCategoryDelete, Permission, true, "remove egg categories"},

	{fleet.ContainerCreate, Permission, true, "create containers"},
	{fleet.ContainerHACreate, Permission, true, "create containers that move when their node is lost"},
	{fleet.ContainerView, Permission, false, "see containers and their state"},
	{fleet.ContainerEdit, Permission, true, "change containers"},
	{fleet.ContainerStart, Permission, true, "start containers"},
	{fleet.ContainerStop, Permission, true, "stop containers"},
	{fleet.ContainerRestart, Permission, true, "restart containers"},
	{fleet.ContainerKill, Permission, true, "kill containers"},
	{fleet.ContainerDelete, Permission, true, "remove containers"},
	{fleet.ContainerLogs, Permission, false, "read what containers print"},
	{fleet.ContainerStats, Permission, false, "see what containers use"},

	{fleet.MigrationManage, Permission, true, "move containers to other nodes, cancel moves and roll them back"},
	{fleet.MigrationView, Permission, false, "see how containers moved"},

	{fleet.FleetView, Permission, false, "see whether failovers are held, and why"},
	{fleet.FleetHold, Permission, true, "hold all failovers"},
	{fleet.FleetRelease, Permission, true, "release held failovers"},

	{fleet.UserCreate, Permission, true, "add users"},
	{fleet.JobView, Permission, false, "see jobs and their receipts"},
	{fleet.AuditView, Permission, false, "read the audit trail"},
	{fleet.EventsView, Permission, false, "follow the events of the whole fleet"},
	{fleet.MetricsView, Permission, false, "read the metrics from another machine"},

	{fleet.AuthLogin, Public, true, "sign in"},
	{fleet.AuthRefresh, Public, false, "exchange the refresh cookie for a new access token"},
	{fleet.AuthLogout, Public, true, "end the session of the refresh cookie"},
	{fleet.AuthPasswordChange, SignedIn, true, "change one's own password"},
	{fleet.AuthView, SignedIn, false, "see one's own account"},
	{fleet.TokenCreate, SignedIn, true, "make an API token for oneself"},
	{fleet.TokenView, SignedIn, false, "see one's own API tokens"},
	{fleet.TokenRevoke, SignedIn, true, "take back one's own API tokens"},
	{fleet.MQTTConnect, Public, false, "connect to the broker, which asks for credentials itself"},
	{fleet.DocsView, Public, false, "read the API's documents"},
	{fleet.SystemLive, Public, false, "ask whether the controller runs"},
	{fleet.SystemReady, Public, false, "ask whether the controller can work"},
}

var rules = func() map[fleet.Verb]Rule {
	m := make(map[fleet.Verb]Rule, len(Rules))
	for _, r := range Rules {
		m[r.Verb] = r
	}
	return m
}()

// RuleOf is the row of a verb.
func RuleOf(v fleet.Verb) (Rule, bool) {
	r, ok := rules[v]
	return r, ok
}
