package translate

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// usersKey is the key of a Secret that holds users in the form of htpasswd.
const usersKey = "auth"

// mapSuffix is what the name of a list has after that of a Secret whose keys are the
// users.
const mapSuffix = "#map"

var (
	errNoUsers   = fmt.Errorf("%s is missing", usersKey)
	errUsersSize = fmt.Errorf("it is larger than %d KiB", credential.MostBytes>>10)
)

// users is a list of users as a Secret has it.
type users struct {
	content []byte
	// err is why it is of no use, wrong what is wrong with lines of it.
	err   error
	wrong []error
}

// readBasicAuth looks up the users that an Ingress asks clients to be among. What it
// wants and cannot have denies its paths (IN: annotations/auth/main.go).
func (b *build) readBasicAuth(in *ingress, values *annotation.Values) {
	switch {
	case !values.BasicAuth && values.AuthSecret == "":
		return
	case in.denied != "" && (!values.BasicAuth || values.AuthSecret == ""):
		return // what is missing may stand there, and not parse
	case !values.BasicAuth:
		b.denyPaths(in, "auth-secret needs an auth-type")
		return
	case values.AuthSecret == "":
		b.denyPaths(in, "auth-type needs an auth-secret")
		return
	}
	name := values.AuthSecret
	if values.AuthMap {
		name += mapSuffix
	}
	u := b.users(name)
	switch {
	case u == nil:
		b.denyPaths(in, "auth-secret: Secret %s does not exist", model.Excerpt(values.AuthSecret))
		return
	case u.err != nil:
		b.denyPaths(in, "auth-secret: Secret %s is of no use: %v", values.AuthSecret, u.err)
		return
	}
	for _, err := range u.wrong {
		b.tell(in, model.ReasonInvalidSecret, "auth-secret: Secret %s: %v: nobody can log in by it", values.AuthSecret, err)
	}
	values.Filters.BasicAuth.Users = name
}

// users returns the list of that name, nil when there is no such Secret. Content that
// the last Build has seen is not parsed again.
func (b *build) users(name string) *users {
	if u, ok := b.userLists[name]; ok {
		return u
	}
	secretName, isMap := strings.CutSuffix(name, mapSuffix)
	secret := b.secrets[objectName(secretName)]
	if secret == nil {
		return nil
	}
	u := &users{}
	if isMap {
		u.content = usersOfMap(secret)
	} else if u.content = secret.Data[usersKey]; len(u.content) == 0 {
		u.err = errNoUsers
	}
	switch old := b.knownUsers[name]; {
	case len(u.content) > credential.MostBytes:
		u.err = errUsersSize
	case old != nil && bytes.Equal(old.content, u.content):
		u = old
	case u.err == nil:
		_, u.wrong = credential.Parse(u.content)
	}
	b.userLists[name] = u
	return u
}

// usersOfMap makes a list of a Secret whose keys are users.
func usersOfMap(secret *corev1.Secret) []byte {
	var content []byte
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) {
		hash := bytes.TrimSpace(secret.Data[name])
		if bytes.ContainsAny(hash, "\r\n") {
			hash = nil // it would be users of its own, and is told of as a line of no use
		}
		content = append(append(append(append(content, name...), ':'), hash...), '\n')
	}
	return content
}

// userListsOf lists the users that c refers to, sorted by name.
func (b *build) userListsOf(c *model.Config) []model.UserList {
	wanted := make(map[string]bool)
	want := func(r *model.Route) {
		if r != nil {
			wanted[r.Options.Filters.Filters().BasicAuth.Users] = true
		}
	}
	if len(b.userLists) == 0 {
		return nil
	}
	for i := range c.Hosts {
		for k := range c.Hosts[i].Routes {
			want(&c.Hosts[i].Routes[k])
		}
		want(c.Hosts[i].Fallback)
	}
	delete(wanted, "")
	var list []model.UserList
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		list = append(list, model.UserList{Name: name, Content: b.userLists[name].content})
	}
	return list
}
