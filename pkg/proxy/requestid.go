package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// maxRequestID is the length of the longest request id that is passed on.
const maxRequestID = 128

// setRequestID sets Trace.RequestID: the client's X-Request-ID when it is one
// that can be logged and passed on, else 32 random hexadecimal digits, or nothing where
// none is to be made.
func (x *exchange) setRequestID(generate bool) {
	f := &x.Request.Fields
	if id, ok := f.Get(message.XRequestID); ok && validRequestID(id) {
		x.Trace.RequestID = id
		return
	}
	if !generate {
		return
	}
	var id [32]byte
	randomHex(&id)
	f.Set(message.XRequestID, id[:])
	x.Trace.RequestID, _ = f.Get(message.XRequestID)
}

// validRequestID admits visible ASCII but for the characters that would end or
// change a quoted string in a log.
func validRequestID(id []byte) bool {
	if len(id) == 0 || len(id) > maxRequestID {
		return false
	}
	for _, c := range id {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// randomHex fills id with random hexadecimal digits. The source is the runtime's
// own (ChaCha8, one per thread, seeded by the system): ids cannot be guessed and
// no lock is shared.
func randomHex(id *[32]byte) {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	hex.Encode(id[:], raw[:])
}
