// Package manifests reads the Kubernetes objects that Shockwave serves from a
// directory of YAML and JSON files, and follows its changes.
//
// It gives the same translate.Objects as an API server would (package
// reconcile), with the place of each object in its file. What the API server
// fills in on creation and the controller relies on is filled in here too. It
// decides nothing about traffic. A mistake costs the document it is in, or, in
// a file that was good before, nothing: the file's last good objects stay.
//
// A change is seen by the file system's notifications after a few milliseconds
// of quiet, and by a rescan every two seconds where there are none. Whoever
// replaces a file that is in use should write a new one and rename it over the
// old: a reader may see a half-written file.
//
// Objects that have been handed out are never changed again.
package manifests
