// Package e2e is the lab: a whole installation on one machine. N nodes, each
// a network namespace with its own Docker engine and agent, and a switch
// between them, which is a namespace too and holds the controller:
//
//	┌ switch 10.77.0.1 ─────────────────────────────┐
//	│ lormas serve :7070 :1883    (unix) Postgres   │
//	│        br0                  (unix) Redis      │
//	└──n1────────────n2────────────n3───────────────┘
//	   │ link        │             │
//	┌ node 1 ─────┐┌ node 2 ─────┐┌ node 3 ─────┐
//	│ 10.77.0.11  ││ 10.77.0.12  ││ 10.77.0.13  │
//	│ agent       ││ agent       ││ agent       │
//	│ dockerd     ││ dockerd     ││ dockerd     │
//	└─────────────┘└─────────────┘└─────────────┘
//
// Links are cut and healed, every part is killed, frozen, stopped and started
// again, and what people see is read through the API and MQTT as any client
// would. The machine itself gets no address in the lab's network and the lab
// no way out: nothing leaves these namespaces.
//
// It knows the programs from outside only: their flags, their API, their
// topics. It must not import the controller or the agent. When the process
// that owns a lab is killed, its programs end with it, and the next lab
// removes what is left.
package e2e
