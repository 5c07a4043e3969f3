package authz

import "github.com/lormas/lormas/controller/internal/fleet"

// Access is who may use a verb at all.
type Access string

// The accesses.
const (
	Public     Access = "public"     // anybody
	SignedIn   Access = "signed in"  // everybody with an account, for what is his own
	InPerson   Access = "in person"  // the same, but none of his API tokens
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
	{fleet.NodeDesiredView, Permission, false, "read what nodes are told, with the secrets of their containers"},

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
	{fleet.ContainerReinstall, Permission, true, "install containers again"},
	{fleet.ContainerDelete, Permission, true, "remove containers"},
	{fleet.ContainerLogs, Permission, false, "read what containers print"},
	{fleet.ContainerCommand, Permission, true, "write to the console of containers"},
	{fleet.ContainerStats, Permission, false, "see what containers use"},
	{fleet.ContainerEnvironmentEdit, Permission, true, "change the environment of containers and nothing else of them"},
	{fleet.ContainerSecretView, Permission, false, "read the secrets in the environment of containers"},
	{fleet.ContainerAssign, Permission, true, "give containers to another owner"},

	{fleet.MigrationManage, Permission, true, "move containers to other nodes, cancel moves and roll them back"},
	{fleet.MigrationView, Permission, false, "see how containers moved"},

	{fleet.FleetView, Permission, false, "see whether failovers are held, and why"},
	{fleet.FleetHold, Permission, true, "hold all failovers"},
	{fleet.FleetRelease, Permission, true, "release held failovers"},

	{fleet.UserCreate, Permission, true, "add users"},
	{fleet.UserView, Permission, false, "see users and what they may do"},
	{fleet.UserEdit, Permission, true, "change users who may do no more than oneself"},
	{fleet.UserDisable, Permission, true, "keep such users out, and let them in again"},
	{fleet.UserDelete, Permission, true, "remove such users"},
	{fleet.UserPasswordReset, Permission, true, "make a one-time link with which such a user sets a new password"},
	{fleet.UserTOTPDisable, Permission, true, "take the second factor away from such a user who lost it"},
	{fleet.UserSessionView, Permission, false, "see where users are signed in"},
	{fleet.UserSessionRevoke, Permission, true, "sign users out"},
	{fleet.UserTokenView, Permission, false, "see the API tokens of users, without their secrets"},
	{fleet.UserTokenRevoke, Permission, true, "take back API tokens of users"},

	{fleet.RoleCreate, Permission, true, "add roles that give no more than one has oneself"},
	{fleet.RoleView, Permission, false, "see roles"},
	{fleet.RoleEdit, Permission, true, "change roles, within what one has oneself"},
	{fleet.RoleDelete, Permission, true, "remove roles"},
	{fleet.RoleBindingCreate, Permission, true, "give users roles that give no more than one has oneself"},
	{fleet.RoleBindingView, Permission, false, "see who has which role where"},
	{fleet.RoleBindingDelete, Permission, true, "take roles from users"},
	{fleet.JobView, Permission, false, "see jobs and their receipts"},
	{fleet.AuditView, Permission, false, "read the audit trail"},
	{fleet.EventsView, Permission, false, "follow the events of the whole fleet"},
	{fleet.MetricsView, Permission, false, "read the metrics from another machine"},

	{fleet.AuthLogin, Public, true, "sign in"},
	{fleet.AuthRefresh, Public, false, "exchange the refresh cookie for a new access token"},
	{fleet.AuthLogout, Public, true, "end the session of the refresh cookie"},
	{fleet.AuthPasswordChange, InPerson, true, "change one's own password"},
	{fleet.AuthPasswordReset, Public, true, "set a new password with a one-time link"},
	{fleet.AuthView, SignedIn, false, "see one's own account"},
	{fleet.AuthEdit, SignedIn, true, "change one's own profile and settings"},
	{fleet.AuthSessionView, SignedIn, false, "see where one is signed in"},
	{fleet.AuthSessionRevoke, InPerson, true, "sign oneself out elsewhere"},
	{fleet.AuthTOTPEnable, InPerson, true, "add a second factor to one's own account"},
	{fleet.AuthTOTPDisable, InPerson, true, "take the second factor from one's own account"},
	{fleet.AuthTOTPCodes, InPerson, true, "replace the recovery codes of one's own second factor"},
	{fleet.PermissionView, SignedIn, false, "see the list of all permissions"},
	{fleet.AuthzExplain, SignedIn, false, "ask why one may or may not do a thing, and with user.view why others may"},
	{fleet.TokenCreate, InPerson, true, "make an API token for oneself"},
	{fleet.TokenView, SignedIn, false, "see one's own API tokens"},
	{fleet.TokenRevoke, SignedIn, true, "take back one's own API tokens"},
	{fleet.TokenUse, SignedIn, true, "use an API token: once an hour and address in the audit trail"},
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
