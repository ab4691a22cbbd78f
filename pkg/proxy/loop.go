package proxy

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Whoever may write an Ingress and a Service can lead requests back to this
// proxy: an ExternalName with the name of its own Service is enough. One request
// would go round until connections run out. So each hop leaves a mark (RFC 8586,
// section 2), which says how often a request was here, whichever replica it
// met. Unlike Via it makes no application do without compression.
const loopField = "CDN-Loop: shockwave\r\n"

// mostHops is how often a request may pass an ingress of ours: one at the edge
// and one in the cluster behind it is sound.
const mostHops = 8

var loopMark = []byte("shockwave")

// looped tells whether a request goes round. Its fields of this name are
// forwarded, so that other proxies see their own marks (RFC 8586, section 3).
func looped(f *message.Fields) bool {
	hops := 0
	for i := f.Index(message.CDNLoop, 0); i >= 0; i = f.Index(message.CDNLoop, i+1) {
		_, _, value, _ := f.At(i)
		hops += bytes.Count(value, loopMark)
	}
	return hops >= mostHops
}
