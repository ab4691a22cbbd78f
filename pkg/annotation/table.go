package annotation

// Table lists every setting, in the order of the reference page.
var Table = []Annotation{
	allocationMode,
	proxyConnectTimeout, proxySendTimeout, proxyReadTimeout, requestTimeout,
	proxyBodySize,
	proxyNextUpstream, proxyNextUpstreamTries, proxyNextUpstreamTimeout, retryNonIdempotent,
	proxyRequestBuffering, clientBodyBufferSize,
	proxyBuffering, proxyBufferSize, proxyBuffersNumber, proxyBusyBuffersSize, proxyMaxTempFileSize,

	useRegex, rewriteTarget, xForwardedPrefix, upstreamVhost,
	allowlistSourceRange, whitelistSourceRange, denylistSourceRange, satisfy,
	authType, authSecret, authSecretType, authRealm, noAuthLocations,
	limitRPS, limitRPM, limitConnections, limitBurstMultiplier, limitAllowlist, limitWhitelist, limitReqStatusCode, limitConnStatusCode,
	blockCIDRs, blockUserAgents, blockReferers,
	customHTTPErrors, disableProxyInterceptErrors, defaultBackend,

	backendProtocol, upstreamProxyProtocol,
	proxySSLSecret, proxySSLVerify, proxySSLVerifyDepth, proxySSLName, proxySSLServerName, proxySSLProtocols, proxySSLCiphers,
	upstreamKeepaliveConnections, upstreamKeepaliveTimeout, upstreamKeepaliveRequests, upstreamKeepaliveTime,
	upstreamMaxConnections, upstreamMaxPending, upstreamPendingTimeout, upstreamPrewarm,
	serviceUpstream,
	loadBalance, upstreamHashBy, upstreamHashLoad, slowStart,
	affinity, affinityMode, sessionCookieName, sessionCookiePath, sessionCookieDomain, sessionCookieMaxAge, sessionCookieExpires,
	sessionCookieSameSite, sessionCookieSecure, sessionCookieConditional, sessionCookieChangeOnFailure,
	upstreamMaxFailures, upstreamEjectionTime, upstreamMaxEjected, upstreamMaxActive, retryBudget,
	healthCheck, healthCheckPath, healthCheckHost, healthCheckPort, healthCheckInterval, healthCheckTimeout, healthCheckHealthy, healthCheckUnhealthy,

	authURL, authURLVerify, authMethod, authProxySetHeaders, authResponseHeaders, authSignIn, authSignInRedirectParam, authRequestRedirect,
	authAlwaysSetCookie, authCacheKey, authCacheDuration,
	authKeepalive, authKeepaliveRequests, authKeepaliveTimeout, authKeepaliveShareVars,
	globalAuthURL, globalAuthURLVerify, globalAuthMethod, globalAuthResponseHeaders, globalAuthSignIn, globalAuthSignInRedirectParam,
	globalAuthRequestRedirect, globalAuthAlwaysSetCookie, globalAuthCacheKey, globalAuthCacheDuration, enableGlobalAuth,

	authTLSSecret, authTLSVerifyClient, authTLSVerifyDepth, authTLSErrorPage, authTLSMatchCN, authTLSPassCertificate,
	sslPassthrough, sslCiphers, http2,

	enableAccessLog,
	appRoot, permanentRedirect, permanentRedirectCode, temporalRedirect, temporalRedirectCode,
	sslRedirect, forceSSLRedirect, preserveTrailingSlash, httpRedirectCode, noTLSRedirectLocations,
	relativeRedirects, usePortInRedirects,
	hsts, hstsMaxAge, hstsIncludeSubdomains, hstsPreload,
	serverAlias, fromToWWWRedirect, strictValidatePathType,
	enableCORS, corsAllowOrigin, corsAllowMethods, corsAllowHeaders, corsExposeHeaders, corsAllowCredentials, corsMaxAge,
	customHeaders, hideHeaders, serverTokens, allowBackendServerHeader, connectionProxyHeader,
	proxyRedirectFrom, proxyRedirectTo, proxyCookieDomain, proxyCookiePath,
	addHeaders, proxySetHeaders, globalAllowedResponseHeaders,

	canary, canaryWeight, canaryWeightTotal, canaryByHeader, canaryByHeaderValue, canaryByHeaderPattern, canaryByCookie,
	affinityCanaryBehavior,

	keepAlive, keepAliveRequests, maxConnections,
	clientHeaderTimeout, clientBodyTimeout, maxHeaderBytes, maxRequestLineBytes, clientHeaderBufferSize, largeClientHeaderBuffers,
	enableUnderscores, ignoreInvalidHeaders,
	useHTTP2, http2Streams,
	useProxyProtocol, proxyProtocolHeaderTimeout, proxyRealIPCIDR,
	useForwardedHeaders, enableRealIP, forwardedForHeader, computeFullForwardedFor, generateRequestID, proxyAddOriginalURIHeader,
	disableAccessLog, disableHTTPAccessLog, accessLogForDefaultBackend, logFormatUpstream, logFormatEscapeJSON, logFormatEscapeNone, skipAccessLogURLs,
	sslProtocols, sslCurves, sslSessionTickets, enableOCSP, sslRejectHandshake,

	proxyStreamTimeout, proxyStreamNextUpstream, proxyStreamNextUpstreamTries, proxyStreamResponses,
}

// byName finds the rows of Table.
var byName = func() map[string]*Annotation {
	m := make(map[string]*Annotation, len(Table))
	for i := range Table {
		m[Table[i].Name] = &Table[i]
	}
	return m
}()
