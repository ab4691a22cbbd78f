package annotation

// nginxTable lists every annotation of ingress-nginx v1.15. The rows of those
// that Table has too only say that the name is inherited.
//
// A row, here and in Table, protects when ignoring it would let through what its author wanted
// refused, or show in clear text what was to be encrypted. Rows that only shape
// such a protection (auth-realm, auth-tls-verify-depth, limit-burst-multiplier)
// do nothing alone and do not protect. Redirects to https do not protect
// either: whoever can read plain http can also take the redirect out.
var nginxTable = []nginxAnnotation{
	// Paths, redirects and hosts.
	{name: "rewrite-target"},
	{name: "use-regex"},
	{name: "app-root"},
	{name: "ssl-redirect"},
	{name: "force-ssl-redirect"},
	{name: "preserve-trailing-slash"},
	{name: "from-to-www-redirect"},
	{name: "permanent-redirect"},
	{name: "permanent-redirect-code"},
	{name: "temporal-redirect"},
	{name: "temporal-redirect-code"},
	{name: "relative-redirects"},
	{name: "use-port-in-redirects"},
	{name: "server-alias"},

	// Errors.
	{name: "default-backend"},
	{name: "custom-http-errors"},
	{name: "disable-proxy-intercept-errors"},

	// Bodies, buffers, timeouts and retries.
	{name: "proxy-body-size"},
	{name: "client-body-buffer-size"},
	{name: "proxy-connect-timeout"},
	{name: "proxy-send-timeout"},
	{name: "proxy-read-timeout"},
	{name: "proxy-request-buffering"},
	{name: "proxy-buffering"},
	{name: "proxy-buffer-size"},
	{name: "proxy-buffers-number"},
	{name: "proxy-busy-buffers-size"},
	{name: "proxy-max-temp-file-size"},
	{name: "proxy-http-version", idle: is("1.1")},
	{name: "proxy-next-upstream"},
	{name: "proxy-next-upstream-timeout"},
	{name: "proxy-next-upstream-tries"},
	{name: "proxy-redirect-from"},
	{name: "proxy-redirect-to"},
	{name: "proxy-cookie-domain"},
	{name: "proxy-cookie-path"},

	// Fields.
	{name: "connection-proxy-header"},
	{name: "upstream-vhost"},
	{name: "x-forwarded-prefix"},
	{name: "custom-headers"},

	// Upstreams.
	{name: "backend-protocol"},
	{name: "service-upstream"},
	{name: "load-balance"},
	{name: "upstream-hash-by"},
	{name: "upstream-hash-by-subset", idle: isFalse},
	{name: "upstream-hash-by-subset-size"},
	{name: "fastcgi-index"},
	{name: "fastcgi-params-configmap"},

	// Stickiness.
	{name: "affinity"},
	{name: "affinity-mode"},
	{name: "affinity-canary-behavior"},
	{name: "session-cookie-name"},
	{name: "session-cookie-expires"},
	{name: "session-cookie-max-age"},
	{name: "session-cookie-path"},
	{name: "session-cookie-domain"},
	{name: "session-cookie-samesite"},
	{name: "session-cookie-secure"},
	{name: "session-cookie-conditional-samesite-none"},
	{name: "session-cookie-change-on-failure"},

	// Canaries.
	{name: "canary"},
	{name: "canary-weight"},
	{name: "canary-weight-total"},
	{name: "canary-by-header"},
	{name: "canary-by-header-value"},
	{name: "canary-by-header-pattern"},
	{name: "canary-by-cookie"},

	// Authentication.
	{name: "auth-type"},
	{name: "auth-secret"},
	{name: "auth-secret-type"},
	{name: "auth-realm"},
	{name: "auth-url"},
	{name: "auth-method"},
	{name: "auth-signin"},
	{name: "auth-signin-redirect-param"},
	{name: "auth-response-headers"},
	{name: "auth-proxy-set-headers"},
	{name: "auth-request-redirect"},
	{name: "auth-always-set-cookie"},
	{name: "auth-cache-key"},
	{name: "auth-cache-duration"},
	{name: "auth-keepalive"},
	{name: "auth-keepalive-requests"},
	{name: "auth-keepalive-timeout"},
	{name: "auth-keepalive-share-vars"},
	{name: "enable-global-auth"},
	{name: "auth-snippet", effect: protects, idle: isBlank},
	{name: "satisfy"},

	// Client certificates and TLS.
	{name: "auth-tls-secret"},
	{name: "auth-tls-verify-client"},
	{name: "auth-tls-verify-depth"},
	{name: "auth-tls-error-page"},
	{name: "auth-tls-pass-certificate-to-upstream"},
	{name: "auth-tls-match-cn"},
	{name: "ssl-passthrough"},
	{name: "ssl-ciphers"},
	{name: "ssl-prefer-server-ciphers"},

	// TLS to the upstream.
	{name: "proxy-ssl-secret"},
	{name: "proxy-ssl-verify"},
	{name: "proxy-ssl-verify-depth"},
	{name: "proxy-ssl-name"},
	{name: "proxy-ssl-server-name"},
	{name: "proxy-ssl-protocols"},
	{name: "proxy-ssl-ciphers"},

	// Access lists and limits.
	{name: "allowlist-source-range"},
	{name: "whitelist-source-range"},
	{name: "denylist-source-range"},
	{name: "limit-rps"},
	{name: "limit-rpm"},
	{name: "limit-connections"},
	{name: "limit-burst-multiplier"},
	{name: "limit-allowlist"},
	{name: "limit-whitelist"},
	{name: "limit-rate", effect: protects, idle: isZero},
	{name: "limit-rate-after", idle: isZero},

	// CORS.
	{name: "enable-cors"},
	{name: "cors-allow-origin"},
	{name: "cors-allow-methods"},
	{name: "cors-allow-headers"},
	{name: "cors-expose-headers"},
	{name: "cors-allow-credentials"},
	{name: "cors-max-age"},

	// Mirroring.
	{name: "mirror-target"},
	{name: "mirror-request-body"},
	{name: "mirror-host"},

	// Logs and traces.
	{name: "enable-access-log"},
	{name: "enable-rewrite-log", idle: isFalse},
	{name: "enable-opentelemetry", idle: isFalse},
	{name: "opentelemetry-trust-incoming-span"},
	{name: "opentelemetry-operation-name"},
	{name: "http2-push-preload", idle: isFalse},

	// Web application firewall.
	{name: "enable-modsecurity", effect: protects, idle: isFalse},
	{name: "enable-owasp-core-rules", effect: protects, idle: isFalse},
	{name: "modsecurity-transaction-id"},
	{name: "modsecurity-snippet", effect: protects, idle: isBlank},

	// Snippets. What raw nginx configuration protects cannot be told, so it counts as protecting.
	{name: "configuration-snippet", effect: protects, idle: isBlank},
	{name: "server-snippet", effect: protectsHost, idle: isBlank},
	{name: "stream-snippet", idle: isBlank},
}
