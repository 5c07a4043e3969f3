package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Message is what an MQTT client of somebody else's making received.
type Message struct {
	At       time.Time
	Topic    string
	Retained bool
	Payload  json.RawMessage
}

// EventLog is mosquitto_sub, subscribed to lormas/v1/# with the user's token
// as any tool would be. It writes what it gets to a file, which outlives a
// connection that is lost.
type EventLog struct {
	lab  *Lab
	part *Part
}

// messageFormat makes a line of each message: time, retained, topic, payload.
const messageFormat = "%U\t%r\t%t\t%p"

func newEventLog(lab *Lab) *EventLog {
	e := &EventLog{lab: lab}
	e.part = &Part{Name: "messages", launch: func(context.Context) (instance, error) { return e.launch() }}
	return e
}

func (e *EventLog) launch() (instance, error) {
	log, err := e.lab.logs.of(e.part.Name)
	if err != nil {
		return nil, err
	}
	// The options go through a file so that no token shows in a process list.
	config := filepath.Join(e.lab.dir, "mosquitto")
	if err := os.MkdirAll(config, 0o700); err != nil {
		return nil, err
	}
	options := strings.Join([]string{
		"-h " + controllerIP, "-p " + mqttPort, "-i lab-" + e.lab.Name,
		"-u lab", "-P " + e.lab.API.Token(), "-t lormas/v1/#", "-k 10",
	}, "\n")
	if err := os.WriteFile(filepath.Join(config, "mosquitto_sub"), []byte(options+"\n"), 0o600); err != nil {
		return nil, err
	}
	args := switchNamespace(e.lab.Name).inside("mosquitto_sub", "-F", messageFormat)
	return launchProgram(args, append(os.Environ(), "XDG_CONFIG_HOME="+config), log)
}

// start subscribes, and returns without waiting for the first message.
func (e *EventLog) start(ctx context.Context) error { return e.part.Start(ctx) }

func (e *EventLog) stop() { _ = e.part.Kill() } // killing a program cannot fail

// Messages returns what has come so far on topics that begin with prefix,
// such as "lormas/v1/nodes/".
func (e *EventLog) Messages(prefix string) ([]Message, error) {
	file, err := os.Open(filepath.Join(e.lab.logs.dir, e.part.Name+".log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var out []Message
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		message, ok := parseMessage(lines.Bytes())
		if ok && strings.HasPrefix(message.Topic, prefix) {
			out = append(out, message)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the messages: %w", err)
	}
	return out, nil
}

// parseMessage reads a line; what the program says of itself is none, and
// neither is a line that is still being written.
func parseMessage(line []byte) (Message, bool) {
	fields := bytes.SplitN(line, []byte("\t"), 4)
	if len(fields) != 4 || !json.Valid(fields[3]) {
		return Message{}, false
	}
	var seconds float64
	if err := json.Unmarshal(fields[0], &seconds); err != nil {
		return Message{}, false
	}
	return Message{
		At:       time.UnixMicro(int64(seconds * 1e6)),
		Topic:    string(fields[2]),
		Retained: string(fields[1]) == "1",
		Payload:  bytes.Clone(fields[3]),
	}, true
}
