// Package examples holds manifests to read, to copy and to start from. The
// directory demo is served by `shockwave demo`, which adds what it cannot know in
// advance: the endpoints and the certificate.
package examples

import "embed"

// Demo are the manifests of `shockwave demo`, in the directory "demo".
//
//go:embed demo/*.yaml
var Demo embed.FS
