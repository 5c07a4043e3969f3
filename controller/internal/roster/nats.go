package roster

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/lormas/lormas/shared/wire"
)

// natsDeliveries is where NATS' server brings the QoS 1 messages of an MQTT
// subscription. Its clients need leave to read there, and are kept from
// subscribing there themselves.
const natsDeliveries = "$MQTT.sub.>"

// NATS is the list of users for the block authorization of a NATS server.
// Nobody gets in with it but by MQTT: over NATS' own protocol they could read
// one another's deliveries.
func NATS(controller Login, agents []Login) (string, error) {
	var out strings.Builder
	out.WriteString("# Made by lormas broker passwords: who may use which topics.\nusers = [\n")
	all := subject(wire.Prefix + "#")
	if err := natsUser(&out, controller, []string{all}, []string{all, natsDeliveries}); err != nil {
		return "", err
	}
	for _, a := range agents {
		var publish, read []string
		for _, r := range wire.Rules {
			topic := subject(wire.Prefix + strings.NewReplacer("{node}", a.User, "{container}", "+").Replace(r.Pattern))
			switch {
			case r.Sender == wire.FromAgent:
				publish = append(publish, topic)
			case r.ToAgent:
				read = append(read, topic)
			}
		}
		if err := natsUser(&out, a, publish, append(read, natsDeliveries)); err != nil {
			return "", err
		}
	}
	out.WriteString("]\n")
	return out.String(), nil
}

// subject is what NATS calls a topic filter.
func subject(filter string) string {
	return strings.NewReplacer("/", ".", "+", "*", "#", ">").Replace(filter)
}

// bcryptReads is what bcrypt compares of a password; the rest would count for
// nothing.
const bcryptReads = 72

func natsUser(out *strings.Builder, l Login, publish, read []string) error {
	if len(l.Password) > bcryptReads {
		return fmt.Errorf("the password of %s has %d characters: NATS compares the first %d only, choose a shorter one", l.User, len(l.Password), bcryptReads)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(l.Password), bcrypt.MinCost)
	if err != nil {
		return fmt.Errorf("hash the password of %s: %w", l.User, err)
	}
	fmt.Fprintf(out, "  { user: %q, password: %q, allowed_connection_types: [\"MQTT\"],\n    permissions: { publish: [%s], subscribe: [%s] } }\n",
		l.User, hash, quoted(publish), quoted(read))
	return nil
}

func quoted(list []string) string {
	each := make([]string, len(list))
	for i, s := range list {
		each[i] = strconv.Quote(s)
	}
	return strings.Join(each, ", ")
}
