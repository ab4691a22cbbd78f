package model

import "unique"

// Filters are the settings of the steps of an exchange besides forwarding it. They
// are comparable: lists are texts in one form. The zero value asks for nothing.
type Filters struct {
	AppRoot        AppRoot
	Redirect       Redirect
	HTTPS          HTTPSRedirect
	HSTS           HSTS
	Rewrite        Rewrite
	CORS           CORS
	Block          Block
	Limits         Limits
	Access         Access
	BasicAuth      BasicAuth
	ExternalAuth   ExternalAuth
	RequestFields  RequestFields
	ResponseFields ResponseFields
	Errors         Errors
	// ResponseRewrite is for the fields of endpoints.
	ResponseRewrite ResponseRewrite
}

// settings lists the settings of f under the names of their annotations, one row of
// groups for each feature.
func (f *Filters) settings() (list []setting) {
	for _, group := range []interface{ settings() []setting }{
		f.AppRoot, f.Redirect, f.HTTPS, f.HSTS, f.Rewrite, f.CORS, f.Block, f.Limits, f.Access, f.BasicAuth, f.ExternalAuth,
		f.RequestFields, f.ResponseFields, f.ResponseRewrite, f.Errors,
	} {
		list = append(list, group.settings()...)
	}
	return list
}

// Tidy takes back what has no effect without another setting, so that it makes no
// difference.
func (f *Filters) Tidy() {
	if !f.HTTPS.On && !f.HTTPS.Force {
		f.HTTPS = HTTPSRedirect{}
	}
	if !f.HSTS.On {
		f.HSTS = HSTS{}
	}
	if r := &f.ResponseRewrite; r.RedirectFrom == "" || r.RedirectTo == "" {
		r.RedirectFrom, r.RedirectTo = "", ""
	}
	if !f.CORS.On {
		f.CORS = CORS{}
	}
	if !f.Redirect.On() {
		f.Redirect = Redirect{}
	}
	if f.BasicAuth.Users == "" && f.ExternalAuth.URL == "" {
		f.Access.Exempt = ""
	}
	if f.BasicAuth.Users == "" {
		f.BasicAuth = BasicAuth{}
	}
	f.ExternalAuth.Tidy()
	conditions := 0
	for _, present := range [...]bool{f.Access.Allow != "" || f.Access.Deny != "", f.BasicAuth.Users != "", f.ExternalAuth.URL != ""} {
		if present {
			conditions++
		}
	}
	if conditions < 2 {
		f.Access.Any = false // any of one is all
	}
	if f.Limits.PerSecond == 0 && f.Limits.PerMinute == 0 && f.Limits.Connections == 0 {
		f.Limits = Limits{}
	}
	if f.Errors.Codes == "" {
		f.Errors = Errors{}
	}
}

// Protects tells whether a part of the requests is to be refused for what they are or
// who sends them.
func (f *Filters) Protects() bool {
	return f.BasicAuth.Users != "" || f.ExternalAuth.URL != "" || f.Access.Allow != "" || f.Access.Deny != ""
}

// quieten takes back what shapes a step that is off in other, so that nothing more than
// that is told of it.
func (f *Filters) quieten(other *Filters) {
	if !other.HTTPS.On && !other.HTTPS.Force {
		f.HTTPS = HTTPSRedirect{On: f.HTTPS.On}
	}
	if !other.HSTS.On {
		f.HSTS = HSTS{On: f.HSTS.On}
	}
}

// FilterSet is Filters that many routes share: it is as large as a pointer, and equal
// to another one when the Filters are equal. The zero value is that of the zero
// Filters.
type FilterSet struct{ shared unique.Handle[Filters] }

// Set makes a FilterSet of f.
func (f Filters) Set() FilterSet {
	if f == (Filters{}) {
		return FilterSet{}
	}
	return FilterSet{unique.Make(f)}
}

// Filters is what s was made of.
func (s FilterSet) Filters() Filters {
	if s == (FilterSet{}) {
		return Filters{}
	}
	return s.shared.Value()
}
