package fleet

// Verb is something that can be done. The same word is the permission, the
// job's kind, the audit entry's verb and the operation id of the API.
type Verb string

// The verbs.
const (
	NodeCreate           Verb = "node.create"
	NodeView             Verb = "node.view"
	NodeEdit             Verb = "node.edit"
	NodeDelete           Verb = "node.delete"
	NodeCredentialRotate Verb = "node.credential.rotate"
	NodeCredentialRevoke Verb = "node.credential.revoke"
	NodeHealthView       Verb = "node.health.view"
	NodeCordon           Verb = "node.cordon"       // and uncordon
	NodeDrain            Verb = "node.drain"        // and cancel a drain
	NodeConfirmDead      Verb = "node.confirm-dead" // a human vouches that it does not run
	NodeWireView         Verb = "node.wire.view"    // the raw contract between controller and agent
	NodeDesiredView      Verb = "node.desired.view" // what it is told, secrets of containers included

	ClusterCreate Verb = "cluster.create"
	ClusterView   Verb = "cluster.view"
	ClusterEdit   Verb = "cluster.edit"
	ClusterDelete Verb = "cluster.delete"

	EggCreate         Verb = "egg.create"
	EggView           Verb = "egg.view"
	EggEdit           Verb = "egg.edit"
	EggDelete         Verb = "egg.delete"
	EggCategoryCreate Verb = "egg.category.create"
	EggCategoryView   Verb = "egg.category.view"
	EggCategoryEdit   Verb = "egg.category.edit"
	EggCategoryDelete Verb = "egg.category.delete"

	ContainerCreate    Verb = "container.create"
	ContainerHACreate  Verb = "container.ha.create"
	ContainerView      Verb = "container.view"
	ContainerEdit      Verb = "container.edit"
	ContainerStart     Verb = "container.start"
	ContainerStop      Verb = "container.stop"
	ContainerRestart   Verb = "container.restart"
	ContainerKill      Verb = "container.kill"
	ContainerReinstall Verb = "container.reinstall"
	ContainerDelete    Verb = "container.delete"
	ContainerLogs      Verb = "container.logs"
	ContainerStats     Verb = "container.stats"
	ContainerCommand   Verb = "container.command" // a line for its console

	ContainerEnvironmentEdit Verb = "container.environment.edit" // what container.edit also allows
	ContainerSecretView      Verb = "container.secret.view"
	ContainerAssign          Verb = "container.assign" // to another owner

	MigrationManage Verb = "migration.manage" // migrate, cancel, roll back
	MigrationView   Verb = "migration.view"

	FleetView    Verb = "fleet.view"
	FleetHold    Verb = "fleet.hold"    // nothing moves by itself
	FleetRelease Verb = "fleet.release" // until this

	UserCreate        Verb = "user.create"
	UserView          Verb = "user.view"
	UserEdit          Verb = "user.edit"
	UserDisable       Verb = "user.disable" // and enable
	UserDelete        Verb = "user.delete"
	UserPasswordReset Verb = "user.password.reset" // a one-time link
	UserTOTPDisable   Verb = "user.totp.disable"   // of somebody who lost it
	UserSessionView   Verb = "user.session.view"
	UserSessionRevoke Verb = "user.session.revoke"
	UserTokenView     Verb = "user.token.view"
	UserTokenRevoke   Verb = "user.token.revoke"

	RoleCreate        Verb = "role.create"
	RoleView          Verb = "role.view"
	RoleEdit          Verb = "role.edit"
	RoleDelete        Verb = "role.delete"
	RoleBindingCreate Verb = "role.binding.create"
	RoleBindingView   Verb = "role.binding.view"
	RoleBindingDelete Verb = "role.binding.delete"
	PermissionView    Verb = "permission.view" // the list of all permissions
	AuthzExplain      Verb = "authz.explain"

	JobView    Verb = "job.view"
	AuditView  Verb = "audit.view"
	EventsView Verb = "events.view"

	AuthLogin          Verb = "auth.login"
	AuthLogout         Verb = "auth.logout"
	AuthRefresh        Verb = "auth.refresh"
	AuthPasswordChange Verb = "auth.password.change"
	AuthPasswordReset  Verb = "auth.password.reset" // with a one-time link
	AuthView           Verb = "auth.view"           // one's own account
	AuthEdit           Verb = "auth.edit"           // one's own profile and settings
	AuthSessionView    Verb = "auth.session.view"
	AuthSessionRevoke  Verb = "auth.session.revoke"
	AuthTOTPEnable     Verb = "auth.totp.enable"
	AuthTOTPDisable    Verb = "auth.totp.disable"
	AuthTOTPCodes      Verb = "auth.totp.codes" // new recovery codes
	TokenCreate        Verb = "token.create"
	TokenView          Verb = "token.view"
	TokenRevoke        Verb = "token.revoke"
	TokenUse           Verb = "token.use" // in the audit trail only
	MQTTConnect        Verb = "mqtt.connect"
	DocsView           Verb = "docs.view"
	MetricsView        Verb = "metrics.view"
	SystemLive         Verb = "system.live"
	SystemReady        Verb = "system.ready"
)
