package e2e

import (
	"context"
	"os"
	"path/filepath"

	"github.com/lormas/lormas/shared/localdb"
)

// The lab's only user, and where the controller listens.
const (
	AdminEmail    = "admin@lormas.local"
	AdminPassword = "only-for-the-lab"
	apiPort       = "7070"
	mqttPort      = "1883"
)

// The addresses as seen from within the lab.
const (
	APIAddress  = controllerIP + ":" + apiPort
	MQTTAddress = controllerIP + ":" + mqttPort
)

// The databases listen on unix sockets, which no cut of a link touches: they
// are as near to the controller as can be.
func (l *Lab) postgresPart() *Part {
	return &Part{Name: "postgres", launch: func(ctx context.Context) (instance, error) {
		log, err := l.logs.of("postgres")
		if err != nil {
			return nil, err
		}
		return localdb.StartPostgres(ctx, localdb.PostgresOptions{Dir: l.postgresDir(), Log: log})
	}}
}

func (l *Lab) postgresDir() string { return filepath.Join(l.dir, "pg") }

func (l *Lab) redisDir() string { return filepath.Join(l.dir, "redis") }

func (l *Lab) redisPart() *Part {
	return &Part{Name: "redis", launch: func(ctx context.Context) (instance, error) {
		log, err := l.logs.of("redis")
		if err != nil {
			return nil, err
		}
		return localdb.StartRedis(ctx, localdb.RedisOptions{Dir: l.redisDir(), Log: log})
	}}
}

// controllerPart is a controller that listens at an address of its own.
func (l *Lab) controllerPart(name, ip string) *Part {
	return &Part{Name: name, launch: func(context.Context) (instance, error) {
		log, err := l.logs.of(name)
		if err != nil {
			return nil, err
		}
		args := switchNamespace(l.Name).inside(filepath.Join(l.opt.Bin, "lormas"), "serve")
		return launchProgram(args, l.controllerEnv(name, ip), log)
	}}
}

// Controllers are all that the lab has: of two, only one works.
func (l *Lab) Controllers() []*Part {
	if l.Second == nil {
		return []*Part{l.Controller}
	}
	return []*Part{l.Controller, l.Second}
}

// apiAddress is where people reach a controller.
func (l *Lab) apiAddress(controller *Part) string {
	if controller == l.Second {
		return secondIP + ":" + apiPort
	}
	return APIAddress
}

// agentURLs is where agents look for a broker.
func (l *Lab) agentURLs() []string {
	switch {
	case l.Broker != nil:
		return []string{brokerURL}
	case l.Second != nil:
		return []string{"mqtt://" + MQTTAddress, "mqtt://" + secondIP + ":" + mqttPort}
	}
	return []string{"mqtt://" + MQTTAddress}
}

// databaseURL has Postgres know by name who connects.
func (l *Lab) databaseURL(name string) string {
	return localdb.PostgresURL(l.postgresDir()) + "&application_name=" + name
}

func (l *Lab) signingKey() string { return filepath.Join(l.dir, "signing.key") }

func (l *Lab) secretKey() string { return filepath.Join(l.dir, "secret.key") }

// controllerEnv configures a controller. It inherits nothing but the path:
// what is set where the tests run must not change what they find.
func (l *Lab) controllerEnv(name, ip string) []string {
	profile := "standard"
	if c := l.opt.Cluster; c != nil && c.Window == "" {
		profile = c.Profile // a node that has another one at first is given the time of both
	}
	env := []string{
		"LORMAS_PROFILE=" + profile,
		"PATH=" + os.Getenv("PATH"),
		"LORMAS_HTTP_LISTEN=" + ip + ":" + apiPort,
		"LORMAS_MQTT_LISTEN=" + ip + ":" + mqttPort,
		"LORMAS_DATABASE_URL=" + l.databaseURL(name),
		"LORMAS_REDIS_URL=" + localdb.RedisURL(l.redisDir()),
		"LORMAS_STATE_DIR=" + filepath.Join(l.dir, name),
		"LORMAS_SIGNING_KEY=" + l.signingKey(), "LORMAS_SECRET_KEY=" + l.secretKey(),
		"LORMAS_ADMIN_EMAIL=" + AdminEmail,
		"LORMAS_ADMIN_PASSWORD=" + AdminPassword,
		"LORMAS_LOG_FORMAT=text",
		"LORMAS_LOG_LEVEL=debug",
	}
	if l.Broker != nil {
		env = append(env, "LORMAS_BROKER_URL="+brokerURL, "LORMAS_BROKER_PASSWORD_FILE="+l.brokerPasswordFile())
	}
	return env
}
