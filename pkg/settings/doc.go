// Package settings holds what the command line and the environment say: one plain
// struct, filled by Default, then by flags, then checked by Validate, which
// reports everything wrong at once.
//
// All flags stand in two tables: Flags, those that do something here, and Foreign,
// those of ingress-nginx that do not. A Foreign flag is accepted, because command
// lines written for ingress-nginx should work unchanged, but it never passes in
// silence: it makes a warning, or, where ignoring it would change which requests
// are served and by whom, an error.
package settings
