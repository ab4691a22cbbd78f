package annotation

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// TestChecks asks those who serve about what is not known here.
func TestChecks(t *testing.T) {
	r := NewReader("", &Checks{
		Expression: func(text string) error {
			if text != "$host" {
				return errors.New("there is no variable $nothing")
			}
			return nil
		},
		Ciphers: func(text string) ([]string, error) {
			switch text {
			case "RC4":
				return nil, errors.New("none of the ciphers is supported")
			case "HIGH:RC4":
				return []string{"RC4"}, nil
			}
			return nil, nil
		},
	})
	for _, test := range []struct {
		name, value, problem string
		hash, ciphers        string
	}{
		{"upstream-hash-by", "$host", "", "$host", ""},
		{"upstream-hash-by", "", "", "", ""},
		{"upstream-hash-by", "$nothing", `shockwave.dev/upstream-hash-by: "$nothing": there is no variable $nothing`, "", ""},
		{"ssl-ciphers", "HIGH", "", "", "HIGH"},
		{"ssl-ciphers", "HIGH:RC4", `shockwave.dev/ssl-ciphers: "HIGH:RC4": not supported and left out: RC4`, "", "HIGH:RC4"},
		{"ssl-ciphers", "RC4", `shockwave.dev/ssl-ciphers: "RC4": none of the ciphers is supported`, "", ""},
	} {
		v := Defaults(model.ProfileKubernetes)
		result := r.Ingress(shop, map[string]string{"shockwave.dev/" + test.name: test.value}, &v)
		var messages []string
		for _, p := range result.Problems {
			messages = append(messages, p.Message)
		}
		want := []string{test.problem}
		if test.problem == "" {
			want = nil
		}
		if !slices.Equal(messages, want) || v.Policy.Balance.HashBy != test.hash || v.Host.Ciphers != test.ciphers {
			t.Errorf("%s=%q gives %q, %q and the Problems %q, want %+v",
				test.name, test.value, v.Policy.Balance.HashBy, v.Host.Ciphers, messages, test)
		}
	}
}

func TestSecrets(t *testing.T) {
	r := NewReader("", nil)
	for _, test := range []struct {
		annotations map[string]string
		want        []string
	}{
		{nil, nil},
		{map[string]string{"nginx.ingress.kubernetes.io/proxy-ssl-secret": " default/a\n"}, []string{"default/a"}},
		{map[string]string{
			"nginx.ingress.kubernetes.io/auth-tls-secret": "b", "shockwave.dev/auth-tls-secret": "c",
			"shockwave.dev/proxy-ssl-secret": "a",
		}, []string{"default/a", "default/c"}},
		{map[string]string{"shockwave.dev/proxy-ssl-secret": "other/a", "shockwave.dev/auth-tls-secret": "a/b/c"}, nil},
	} {
		if got := r.Secrets("default", test.annotations); !slices.Equal(got, test.want) {
			t.Errorf("%v names the Secrets %v, want %v", test.annotations, got, test.want)
		}
	}
}

// TestStream reads what the controller's ConfigMap says of TCP and UDP services.
func TestStream(t *testing.T) {
	usual := model.DefaultStreamTimeouts()
	for _, test := range []struct {
		data map[string]string
		want func(s *model.StreamTimeouts)
	}{
		{nil, func(*model.StreamTimeouts) {}},
		{map[string]string{"proxy-stream-next-upstream": "off", "proxy-stream-next-upstream-tries": "5"}, func(s *model.StreamTimeouts) { s.Tries = 1 }},
		{map[string]string{"proxy-stream-next-upstream": "on", "proxy-stream-next-upstream-tries": "0"}, func(s *model.StreamTimeouts) { s.Tries = 0 }},
		{map[string]string{"proxy-stream-timeout": "90s", "proxy-stream-responses": "1", "proxy-connect-timeout": "2"}, func(s *model.StreamTimeouts) {
			s.Idle, s.Responses, s.Connect = 90*time.Second, 1, 2*time.Second
		}},
	} {
		v, want := Defaults(model.ProfileKubernetes), usual
		test.want(&want)
		_, problems := NewReader("", nil).ConfigMap(model.ObjectRef{Kind: "ConfigMap", Name: "a"}, test.data, &v)
		if v.Stream != want || len(problems) > 0 {
			t.Errorf("%v gives %+v and %v, want %+v", test.data, v.Stream, problems, want)
		}
	}
}
