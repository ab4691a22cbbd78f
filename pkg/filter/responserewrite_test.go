package filter

import (
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestResponseRewrite(t *testing.T) {
	for _, c := range []struct {
		name       string
		set        model.ResponseRewrite
		own        bool
		have, want string
	}{
		{"redirect", model.ResponseRewrite{RedirectFrom: "http://up/", RedirectTo: "https://$http_x_host/x/"}, false,
			"Location: http://up/a?b\nRefresh: 5; URL=http://up/c\n", "Location: https://shop/x/a?b\nRefresh: 5; URL=https://shop/x/c\n"},
		{"another redirect", model.ResponseRewrite{RedirectFrom: "http://up/", RedirectTo: "/"}, false,
			"Location: http://upper/\nRefresh: 5\n", "Location: http://upper/\nRefresh: 5\n"},
		{"of our own", model.ResponseRewrite{RedirectFrom: "http://up/", RedirectTo: "/"}, true,
			"Location: http://up/a\n", "Location: http://up/a\n"},
		{"domain", model.ResponseRewrite{CookieDomain: ".up.example shop.example"}, false,
			"Set-Cookie: a=b; Domain=UP.example; Path=/\nSet-Cookie: c=d;domain=.up.example\nSet-Cookie: e=f; Domain=other.up.example\nSet-Cookie: domain=up.example\n",
			"Set-Cookie: a=b; Domain=shop.example; Path=/\nSet-Cookie: c=d;domain=shop.example\nSet-Cookie: e=f; Domain=other.up.example\nSet-Cookie: domain=up.example\n"},
		{"path", model.ResponseRewrite{CookiePath: "/up/ /"}, false,
			"Set-Cookie: a=b; HttpOnly; Path=/up/x ; Secure\nSet-Cookie: a=b; path=/up\nSet-Cookie: a; Path = /up/;\n",
			"Set-Cookie: a=b; HttpOnly; Path=/x ; Secure\nSet-Cookie: a=b; path=/up\nSet-Cookie: a; Path = /;\n"},
		{"both", model.ResponseRewrite{CookiePath: "/ /long/", CookieDomain: "a bb"}, false,
			"Set-Cookie: a=b; Path=/; Domain=a\n", "Set-Cookie: a=b; Path=/long/; Domain=bb\n"},
	} {
		ex := newExchange(t, "GET", "X-Host: shop", c.have)
		s := State{Own: c.own}
		compile(t, model.Filters{ResponseRewrite: c.set}).Response(ex, &s)
		if got := lines(&ex.Response.Fields); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
}
