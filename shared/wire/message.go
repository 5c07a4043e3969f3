package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Version is the version of the contract; it is in every payload as "v".
const Version = 1

// MaxPayload bounds a message in bytes; the broker's packet limit leaves room
// for it. Lists that could grow past it are sent in parts.
const MaxPayload = 512 << 10

// Header stands at the front of every message.
type Header struct {
	V    int    `json:"v"`
	Type string `json:"type"`
}

// The values of Header.Type.
const (
	TypeHeartbeat      = "heartbeat"
	TypeLease          = "lease"
	TypeDesired        = "desired"
	TypeCommand        = "command"
	TypeHello          = "hello"
	TypePull           = "pull"
	TypeEvents         = "events"
	TypeLogs           = "logs"
	TypeStats          = "stats"
	TypeUsage          = "usage"
	TypeHealth         = "health"
	TypeContainerState = "container_state"
	TypeEvent          = "event"

	TypeMigrationStatus    = "migration_status"
	TypeMigrationCompleted = "migration_completed"
	TypeMigrationFailed    = "migration_failed"
)

// Head makes the header of a message of type t.
func Head(t string) Header { return Header{V: Version, Type: t} }

// Session names one connection of one run of one agent. Downstream messages
// repeat it, so that what was meant for an earlier session is dropped.
type Session struct {
	BootID  string `json:"boot_id"` // random per agent start
	Session uint64 `json:"session"` // grows with every CONNECT, kept on disk
}

// Heartbeat says that the agent is there. The broker also publishes one as
// the agent's will, with Status offline and no Seq.
type Heartbeat struct {
	Header
	Session
	NodeID     id.NodeID `json:"nodeId"`
	Status     string    `json:"status"`    // online or offline
	Timestamp  time.Time `json:"timestamp"` // the agent's clock; for display only
	Seq        uint64    `json:"seq,omitempty"`
	AppliedRev int64     `json:"applied_rev,omitempty"`
	Digest     string    `json:"digest,omitempty"` // of the running set; see Digest
	OutboxHead uint64    `json:"outbox_head,omitempty"`
	DockerOK   bool      `json:"docker_ok"`
	GuardOK    bool      `json:"guard_ok"`
	*Telemetry           // at least once a minute and on change
}

// The values of Heartbeat.Status.
const (
	Online  = "online"
	Offline = "offline"
)

// Telemetry is what a node has and uses, flat and numeric so that any MQTT
// consumer can read it. Memory and disk are in bytes, cpu in cores.
type Telemetry struct {
	Resources         *spec.Resources `json:"resources,omitempty"` // allocatable, in the units people write
	CPUAllocatable    float64         `json:"cpu_allocatable"`
	CPUUsed           float64         `json:"cpu_used"`
	MemoryAllocatable int64           `json:"memory_allocatable"`
	MemoryUsed        int64           `json:"memory_used"`
	DiskAllocatable   int64           `json:"disk_allocatable"`
	DiskUsed          int64           `json:"disk_used"`
	UptimeSeconds     int64           `json:"uptime_s"`
	Containers        int             `json:"containers"`
	AgentVersion      string          `json:"agent_version"`
	Busy              []Listener      `json:"busy_ports,omitzero"` // that others on the machine listen on; left out: not known
}

// Listener is a port of a machine that a program there listens on.
type Listener struct {
	IP       string `json:"ip,omitempty"` // "" is every address
	Port     int    `json:"port"`
	Protocol string `json:"protocol"` // tcp or udp
}

// Lease acknowledges a heartbeat, or with Seq 0 only the outbox.
type Lease struct {
	Header
	Session
	Seq         uint64 `json:"seq,omitempty"`
	Rev         int64  `json:"rev,omitempty"`      // the node's newest revision; a higher one than applied asks for a sync
	LeaseMS     int64  `json:"lease_ms,omitempty"` // how long exclusive containers may run on, from the send time of Seq; 0: none is granted
	SoftMS      int64  `json:"soft_ms,omitempty"`  // when they are asked to stop, from the same time
	Term        int64  `json:"term,omitempty"`     // of the controller; a lower one than heard before is of a deposed controller
	NextHBMS    int64  `json:"next_hb_ms,omitempty"`
	ResendMS    int64  `json:"resend_ms,omitempty"`
	ControlTime int64  `json:"ctime_ms"`     // controller's wall clock, Unix milliseconds
	AckedOutbox uint64 `json:"acked_outbox"` // every event up to here is in Postgres
}

// Hello opens a session: what the agent is and how far it has come.
type Hello struct {
	Header
	Session
	NodeID        id.NodeID      `json:"nodeId"`
	AppliedRev    int64          `json:"applied_rev"`
	Digest        string         `json:"digest"`
	LedgerID      string         `json:"ledger_id"` // random, new when the agent's records were lost
	AgentVersion  string         `json:"agent_version"`
	DockerVersion string         `json:"docker_version,omitempty"`
	Hostname      string         `json:"hostname"`
	MachineID     string         `json:"machine_id"` // tells two machines with one credential apart
	Arch          string         `json:"arch"`
	HostBootID    string         `json:"host_boot_id,omitempty"` // the kernel's, new with every boot of the machine
	Present       []ContainerRef `json:"present,omitempty"`      // containers with our labels that Docker has
	*Telemetry
}

// ContainerRef is a container at a place.
type ContainerRef struct {
	ID      id.ContainerID `json:"id"`
	Epoch   int64          `json:"epoch"`
	Running bool           `json:"running,omitempty"` // in Hello.Present
}

// Pull asks for specs by hash.
type Pull struct {
	Header
	Session
	Hashes []string `json:"hashes"`
}

// Desired tells the agent what its node should run.
type Desired struct {
	Header
	Session
	Kind       string                    `json:"kind"`               // see below
	FromRev    int64                     `json:"from_rev,omitempty"` // delta: applies on top of this revision only
	Rev        int64                     `json:"rev"`
	Containers []DesiredContainer        `json:"containers,omitempty"`
	Removed    []ContainerRef            `json:"removed,omitempty"` // full: of Hello.Present, those that were deleted or moved away
	Specs      map[string]spec.Container `json:"specs,omitempty"`   // by hash
	Part       int                       `json:"part,omitempty"`    // full: 1-based; the set is complete when all Parts are in
	Parts      int                       `json:"parts,omitempty"`
}

// The values of Desired.Kind.
const (
	DesiredNothing = "nothing" // the agent's revision is the newest
	DesiredDelta   = "delta"   // the containers that changed since FromRev
	DesiredFull    = "full"    // every container of the node; others are not its own
	DesiredSpecs   = "specs"   // the answer to a pull; changes no revision
)

// DesiredContainer is one container of a desired set. A spec that the agent
// does not hold under SpecHash is pulled.
type DesiredContainer struct {
	ID         id.ContainerID `json:"id"`
	Epoch      int64          `json:"epoch"`
	Generation int64          `json:"generation"`
	SpecHash   string         `json:"spec_hash"`
	Power      spec.Power     `json:"power"`
	Install    int64          `json:"install,omitempty"` // how often its installation was asked for again
}

// Command is a nudge with a receipt. A lifecycle action's effect is in the
// desired set of Rev; the command only asks to be told when it is done. A
// transient action (restart, kill, stdin, logs, …) exists only as a command.
type Command struct {
	Header
	Session
	ID          id.CommandID      `json:"id"`
	Action      Action            `json:"action"`
	ContainerID id.ContainerID    `json:"containerId,omitzero"`
	Epoch       int64             `json:"epoch,omitempty"`
	Generation  int64             `json:"generation,omitempty"`
	Rev         int64             `json:"rev,omitempty"`
	Deadline    int64             `json:"deadline,omitempty"` // controller's clock, Unix ms; 0: none. Later it is refused
	EggConfig   *EggConfig        `json:"eggConfig,omitempty"`
	Resources   *spec.Resources   `json:"resources,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Stream      string            `json:"stream,omitempty"` // logs: which stream the chunks belong to
	Book        string            `json:"book,omitempty"`   // logs: the book that After is a number of
	After       uint64            `json:"after,omitempty"`  // logs: the last line that the viewer has; before Tail
	Seek        bool              `json:"seek,omitempty"`   // logs: begin after After although the stream runs
	Tail        int               `json:"tail,omitempty"`   // logs: lines from the past
	Follow      bool              `json:"follow,omitempty"` // logs: go on until TTLMS after the last renewal
	TTLMS       int64             `json:"ttl_ms,omitempty"` // logs, stats: stop unless renewed
	Input       string            `json:"input,omitempty"`  // stdin: a line for the console, without its end
}

// EggConfig tells watchers of a create what is made. The agent acts on the
// spec of its desired set, never on this.
type EggConfig struct {
	Image   string        `json:"image"`
	Ports   []spec.Port   `json:"ports,omitempty"`
	Volumes []spec.Volume `json:"volumes,omitempty"`
}

// Action is what a command asks for.
type Action string

// The actions.
const (
	ActionCreate  Action = "create"
	ActionUpdate  Action = "update"
	ActionStart   Action = "start"
	ActionStop    Action = "stop"
	ActionDelete  Action = "delete"
	ActionRestart Action = "restart"
	ActionKill    Action = "kill"
	ActionLogs    Action = "logs"
	ActionStats   Action = "stats"
	ActionStdin   Action = "stdin"

	ActionReinstall Action = "reinstall"

	ActionMigrateCreate Action = "migrate_create" // create at the target of a migration
)

// Transient reports whether the action has no place in the desired state, so
// that it must carry a deadline and is never carried out late.
func (a Action) Transient() bool {
	switch a {
	case ActionRestart, ActionKill, ActionLogs, ActionStats, ActionStdin:
		return true
	case ActionCreate, ActionUpdate, ActionStart, ActionStop, ActionDelete, ActionReinstall, ActionMigrateCreate:
		return false
	}
	return true
}

// Unrecorded reports whether the action leaves no receipt and no record: it
// only asks for telemetry, which may be asked for again at will.
func (a Action) Unrecorded() bool { return a == ActionLogs || a == ActionStats }

// Events carries the head of the agent's outbox, in order.
type Events struct {
	Header
	Session
	LedgerID string  `json:"ledger_id"`
	Items    []Event `json:"items"`
}

// Event is one thing that happened on the node. Seq 0 is news that is not
// kept (progress); all others stay in the outbox until acknowledged.
type Event struct {
	Seq       uint64           `json:"seq,omitempty"`
	Type      string           `json:"type"`
	At        time.Time        `json:"at"`                  // the agent's clock; for display only
	CommandID id.CommandID     `json:"commandId,omitzero"`  // receipt, result, progress
	Status    string           `json:"status,omitempty"`    // result: success or error
	Receipt   Receipt          `json:"receipt,omitempty"`   // receipt, result
	Result    *Result          `json:"result,omitempty"`    // result
	Progress  *Progress        `json:"progress,omitempty"`  // progress
	Container *ContainerStatus `json:"container,omitempty"` // container_state
}

// The values of Event.Type.
const (
	EventContainerState  = "container_state"
	EventCommandReceipt  = "command_receipt"
	EventCommandResult   = "command_result"
	EventCommandProgress = "command_progress"
)

// Receipt is how far a command has come.
type Receipt string

// The receipts. queued and superseded are the controller's own; an agent
// says delivered, then one of applied, failed and expired.
const (
	Queued     Receipt = "queued"
	Delivered  Receipt = "delivered"
	Applied    Receipt = "applied"
	FailedR    Receipt = "failed"
	Expired    Receipt = "expired"
	Superseded Receipt = "superseded"
)

// Final reports whether nothing more can come after this receipt.
func (r Receipt) Final() bool { return r != Queued && r != Delivered }

// Result is the outcome of a command.
type Result struct {
	ContainerID string `json:"containerId,omitempty"` // Docker's id of the container
	Message     string `json:"message,omitempty"`     // what went wrong, and what to do
}

// Progress is how far a command in work has come.
type Progress struct {
	Percent int    `json:"percent"` // 0 to 100; -1 where it cannot be told
	Step    string `json:"step"`
}

// ContainerStatus is what the node sees of a container: the only source of
// observed state.
type ContainerStatus struct {
	ID         id.ContainerID `json:"containerId"`
	Epoch      int64          `json:"epoch"`
	Generation int64          `json:"generation"`
	Rev        int64          `json:"rev"` // the node's applied revision when it was seen
	Phase      spec.Phase     `json:"phase"`
	Reason     string         `json:"reason,omitempty"` // why, where the phase alone does not say
	DockerID   string         `json:"docker_id,omitempty"`
	ExitCode   *int           `json:"exit_code,omitempty"`
	OOM        bool           `json:"oom,omitempty"`
	Health     string         `json:"health,omitempty"`   // what its health check says: starting, healthy or unhealthy; "": it has none
	Restarts   int            `json:"restarts,omitempty"` // by the agent, since the container was made
	StartedAt  *time.Time     `json:"started_at,omitempty"`
}

// LogChunk is a piece of a container's console: lines of one source whose
// numbers follow one another. The numbers are those of the node's book, which
// go 1, 2, 3 … over restarts of the container and of the agent; a viewer who
// lost his link asks again after the last that he has. A stream begins with a
// chunk without lines, whose First is the number that comes next. Seq numbers
// the chunks of a stream.
type LogChunk struct {
	Header
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Book   string `json:"book,omitempty"`   // its name; another one where numbers are not what they were
	First  uint64 `json:"first,omitempty"`  // number of the first line
	Lines  int    `json:"lines,omitempty"`  // how many
	Source string `json:"source,omitempty"` // out, install or lormas
	Data   string `json:"data,omitempty"`   // the lines, each with its end; invalid UTF-8 replaced
	Gap    *Gap   `json:"gap,omitempty"`    // lines that are missing before First
	EOF    bool   `json:"eof,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Gap is lines that are not kept any more, by their numbers.
type Gap struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Last is the number of the chunk's last line; 0 where it has none.
func (c LogChunk) Last() uint64 {
	if c.Lines == 0 {
		return 0
	}
	return c.First + uint64(c.Lines) - 1
}

// Stats is one sample of a container's use.
type Stats struct {
	Header
	At          time.Time `json:"at"`
	CPUCores    float64   `json:"cpu_cores"`
	MemoryBytes int64     `json:"memory_bytes"`
	MemoryLimit int64     `json:"memory_limit_bytes"`
	NetRx       int64     `json:"net_rx_bytes"`
	NetTx       int64     `json:"net_tx_bytes"`
	BlockRead   int64     `json:"block_read_bytes"`
	BlockWrite  int64     `json:"block_write_bytes"`
	Pids        int64     `json:"pids"`
}

// Usage is what all containers of a node use, every 30 seconds.
type Usage struct {
	Header
	At         time.Time        `json:"at"`
	Containers []ContainerUsage `json:"containers"`
}

// ContainerUsage is what one of them uses. The processor's use is the mean
// since the usage before.
type ContainerUsage struct {
	ContainerID id.ContainerID `json:"containerId"`
	Running     bool           `json:"running"`
	CPUCores    float64        `json:"cpu_cores"`
	MemoryBytes int64          `json:"memory_bytes"`
	MemoryLimit int64          `json:"memory_limit_bytes"`
	NetRx       int64          `json:"net_rx_bytes"`
	NetTx       int64          `json:"net_tx_bytes"`
	BlockRead   int64          `json:"block_read_bytes"`
	BlockWrite  int64          `json:"block_write_bytes"`
	Pids        int64          `json:"pids"`
	DiskBytes   int64          `json:"disk_bytes"` // of its named volumes; -1: they cannot be measured
	DiskLimit   int64          `json:"disk_limit_bytes"`
}

// MaxUsage is how many containers one Usage tells of at most.
const MaxUsage = 1000

// Health tells people how a node is.
type Health struct {
	Header
	NodeID id.NodeID `json:"nodeId"`
	Status string    `json:"status"` // healthy or unhealthy
	State  string    `json:"state"`  // healthy, suspect, unhealthy, returning, joining
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// ContainerNews tells people how a container is. It is a summary: the API
// has the rest.
type ContainerNews struct {
	Header
	ContainerID     id.ContainerID `json:"containerId"`
	NodeID          id.NodeID      `json:"nodeId,omitzero"`
	Name            string         `json:"name"`
	Power           spec.Power     `json:"power"`
	Phase           spec.Phase     `json:"phase"`
	Reason          string         `json:"reason,omitempty"`
	Epoch           int64          `json:"epoch"`
	Generation      int64          `json:"generation"`
	MigrationStatus string         `json:"migration_status"`
}

// MigrationEvent tells people on containers/{id}/events how a move goes. Its
// type is one of migration_status, migration_completed and migration_failed.
type MigrationEvent struct {
	Header
	ContainerID id.ContainerID `json:"containerId"`
	Status      string         `json:"status"` // migrating, completed or failed
	Error       string         `json:"error,omitempty"`
	Migration   Migration      `json:"migration"`
}

// Migration is a move of a container as people are told of it.
type Migration struct {
	ID        id.MigrationID `json:"id"`
	From      id.NodeID      `json:"fromNodeId"`
	To        id.NodeID      `json:"toNodeId,omitzero"` // none until a place was found
	State     string         `json:"state"`
	Trigger   string         `json:"trigger"`
	Reason    string         `json:"reason,omitempty"`
	Waiting   string         `json:"waiting,omitempty"` // why it does not go on
	Timestamp time.Time      `json:"timestamp"`

	Ports []spec.PortChange `json:"ports,omitempty"` // host ports that are others since the container changed its node
}

// FleetEvent is an entry of the fleet feed.
type FleetEvent struct {
	Header
	Kind        string         `json:"kind"` // node.health, job, …
	At          time.Time      `json:"at"`
	NodeID      id.NodeID      `json:"nodeId,omitzero"`
	ContainerID id.ContainerID `json:"containerId,omitzero"`
	JobID       id.JobID       `json:"jobId,omitzero"`
	State       string         `json:"state,omitempty"`
	Message     string         `json:"message,omitempty"`
}

// Encode makes the payload of a message.
func Encode(message any) []byte {
	payload, err := json.Marshal(message)
	if err != nil {
		panic(fmt.Errorf("wire: %T cannot be encoded: %w", message, err)) // a type above is wrong
	}
	return payload
}

// ErrVersion is returned for a payload of another version of the contract.
var ErrVersion = errors.New("the payload is of another protocol version: update the older of controller and agent")

// Decode reads a payload of the given type. Fields that it does not know are
// ignored, so that a newer peer may add some.
func Decode[T any](payload []byte, wantType string) (T, error) {
	var out T
	if len(payload) > MaxPayload {
		return out, fmt.Errorf("payload of %d bytes is over the limit of %d", len(payload), MaxPayload)
	}
	head, err := Peek(payload)
	if err != nil {
		return out, err
	}
	if head.Type != wantType {
		return out, fmt.Errorf("payload is of type %.30q, not %q", head.Type, wantType)
	}
	if err := json.Unmarshal(payload, &out); err != nil {
		return out, fmt.Errorf("%s: %w", wantType, err)
	}
	return out, nil
}

// Peek reads only the header of a payload, where one topic carries several
// types.
func Peek(payload []byte) (Header, error) {
	var head Header
	if err := json.Unmarshal(payload, &head); err != nil {
		return head, fmt.Errorf("payload is not JSON of ours: %w", err)
	}
	if head.V != Version {
		return head, ErrVersion
	}
	return head, nil
}
