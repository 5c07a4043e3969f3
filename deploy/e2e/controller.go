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

func (l *Lab) controllerPart() *Part {
	return &Part{Name: "controller", launch: func(context.Context) (instance, error) {
		log, err := l.logs.of("controller")
		if err != nil {
			return nil, err
		}
		args := switchNamespace(l.Name).inside(filepath.Join(l.opt.Bin, "lormas"), "serve")
		return launchProgram(args, l.controllerEnv(), log)
	}}
}

// controllerEnv configures the controller. It inherits nothing but the path:
// what is set where the tests run must not change what they find.
func (l *Lab) controllerEnv() []string {
	profile := "standard"
	if c := l.opt.Cluster; c != nil && c.Window == "" {
		profile = c.Profile // a node that has another one at first is given the time of both
	}
	return []string{
		"LORMAS_PROFILE=" + profile,
		"PATH=" + os.Getenv("PATH"),
		"LORMAS_HTTP_LISTEN=" + APIAddress,
		"LORMAS_MQTT_LISTEN=" + MQTTAddress,
		"LORMAS_DATABASE_URL=" + localdb.PostgresURL(l.postgresDir()),
		"LORMAS_REDIS_URL=" + localdb.RedisURL(l.redisDir()),
		"LORMAS_STATE_DIR=" + filepath.Join(l.dir, "controller"),
		"LORMAS_ADMIN_EMAIL=" + AdminEmail,
		"LORMAS_ADMIN_PASSWORD=" + AdminPassword,
		"LORMAS_LOG_FORMAT=text",
		"LORMAS_LOG_LEVEL=debug",
	}
}
