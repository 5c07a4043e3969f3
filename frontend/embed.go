// Package frontend carries the built dashboard inside the lormas binary. Its
// sources are an npm project beside this file; make build puts the result in
// dist. A build without Node has an empty dist: the API works, and the
// controller says that there is no dashboard.
package frontend

import (
	"embed"
	"io/fs"
)

// The file .keep is committed so that this compiles before the first build of
// the dashboard.
//
//go:embed all:dist
var files embed.FS

// Dist is the dashboard: index.html and its assets. It has no index.html when
// the dashboard was not built.
var Dist = dist()

func dist() fs.FS {
	sub, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return sub
}
