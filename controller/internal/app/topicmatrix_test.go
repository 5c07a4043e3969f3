package app_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// topicMatrix says who may subscribe to what: nobody in particular, a viewer,
// an operator, the owner of the container, another owner, a superuser, the
// agent of the node and another node's. Nobody but agents may publish: see
// broker.TestEveryTopicHasARule.
//
//	none view oper own  oth  root agt  agt2
var topicMatrix = map[wire.Kind]string{
	wire.NodeHeartbeat:   "no yes yes no  no yes no  no",
	wire.NodeLease:       "no no  no  no  no yes yes no",
	wire.NodeDesired:     "no no  no  no  no yes yes no",
	wire.NodeCommands:    "no no  no  no  no yes yes no",
	wire.NodeSync:        "no no  no  no  no yes no  no",
	wire.NodeEvents:      "no no  no  no  no yes no  no",
	wire.NodeHealth:      "no yes yes no  no yes no  no",
	wire.NodeUsage:       "no yes yes no  no yes no  no",
	wire.ContainerLogs:   "no yes yes yes no yes no  no",
	wire.ContainerStats:  "no yes yes yes no yes no  no",
	wire.ContainerState:  "no yes yes yes no yes no  no",
	wire.ContainerEvents: "no yes yes yes no yes no  no",
	wire.FleetEvents:     "no yes yes no  no yes no  no",
}

// hasLogin is somebody who comes to the broker.
type hasLogin struct{ name, username, password string }

// subscribes reports whether a subscription is granted.
func (c *controller) subscribes(who hasLogin, topic string) bool {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	granted := make(chan bool, 1)
	say := func(yes bool) {
		select {
		case granted <- yes:
		default:
		}
	}
	done := make(chan error, 1)
	client := id.New[id.SessionID]().String()
	if strings.HasPrefix(who.name, "agent") {
		client = who.username
	}
	o := mqttlink.Options{
		Servers: []string{"mqtt://" + c.MQTTAddr()}, ClientID: client, Username: who.username,
		Credentials: func() string { return who.password }, Subscribe: []mqttlink.Subscription{{Filter: topic}},
		OnUp: func(*mqttlink.Session) { say(true) }, OnDown: func(error) { say(false) }, OnMessage: func(mqttlink.Message) {},
	}
	go func() { done <- mqttlink.Run(ctx, o) }()
	yes := <-granted
	cancel()
	<-done
	return yes
}

// cast makes those whom the matrix is about, in its order, and what it is
// about.
func cast(t *testing.T, c *controller) (all []hasLogin, node id.NodeID, container id.ContainerID) {
	t.Helper()
	root := c.login()
	node, credential := c.enrol("edge-1")
	other, foreign := c.enrol("edge-2")
	newAgent(t, node, credential).join(c)
	container, theirs := c.create("web", node).Container.ID, c.create("theirs", node).Container.ID
	person := func(name, role string, owns *id.ContainerID) hasLogin {
		mail := name + "@lormas.test"
		user := c.invite(root, mail)
		if role != "" {
			var roles struct{ Items []struct{ ID, Name string } }
			c.ask(root, "GET", "/roles", nil, &roles)
			for _, r := range roles.Items {
				if r.Name == role {
					c.ask(root, "POST", "/roles/bindings", map[string]any{"userId": user, "roleId": r.ID, "scope": "global"}, nil)
				}
			}
		}
		if owns != nil {
			c.ask(root, "POST", "/containers/"+owns.String()+"/assign", map[string]any{"ownerId": user}, nil)
		}
		return hasLogin{name, mail, c.signIn(mail, customersPassword)}
	}
	return []hasLogin{
		person("none", "", nil), person("viewer", "Viewer", nil), person("operator", "Operator", nil),
		person("owner", "", &container), person("other", "", &theirs), person("superuser", "Superuser", nil),
		{"agent", node.String(), credential}, {"agent of another", other.String(), foreign},
	}, node, container
}

func TestTheMatrixOfTopics(t *testing.T) {
	t.Parallel()
	c := newController(t)
	all, node, container := cast(t, c)
	var group sync.WaitGroup
	defer group.Wait()
	for i, who := range all {
		group.Go(func() {
			for _, rule := range wire.Rules {
				row := strings.Fields(topicMatrix[rule.Kind])
				if len(row) != len(all) {
					t.Errorf("%s has no whole row in the matrix", rule.Kind)
					continue
				}
				topic := wire.Topic{Kind: rule.Kind}
				if strings.Contains(rule.Pattern, "{node}") {
					topic.Node = node
				}
				if strings.Contains(rule.Pattern, "{container}") {
					topic.Container = container
				}
				if got, want := c.subscribes(who, topic.String()), row[i] == "yes"; got != want {
					t.Errorf("%s subscribes to %s: %v, want %v", who.name, topic, got, want)
				}
			}
		})
	}
}
