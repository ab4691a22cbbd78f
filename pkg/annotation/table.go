package annotation

// Table lists every setting, in the order of the reference page.
var Table = []Annotation{
	allocationMode,
	proxyConnectTimeout, proxySendTimeout, proxyReadTimeout,
	proxyBodySize,
	upstreamKeepaliveConnections, upstreamKeepaliveTimeout, upstreamKeepaliveRequests, upstreamKeepaliveTime,
	keepAlive, keepAliveRequests, maxConnections,
	clientHeaderTimeout, clientBodyTimeout, maxHeaderBytes,
}

// byName finds the rows of Table.
var byName = func() map[string]*Annotation {
	m := make(map[string]*Annotation, len(Table))
	for i := range Table {
		m[Table[i].Name] = &Table[i]
	}
	return m
}()
