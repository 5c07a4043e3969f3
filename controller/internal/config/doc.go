// Package config is everything that can be set on a controller: one struct,
// with its defaults, where values come from, and what makes sense.
//
// A value is taken from the command line, else from the environment
// (LORMAS_HTTP_LISTEN for --http-listen), else from a file that the
// environment names (LORMAS_ADMIN_PASSWORD_FILE, for secrets), else from the
// configuration file, else it is the default. The configuration file holds
// the same names as the environment, so that systemd and compose read it too.
//
// It opens and connects to nothing.
package config
