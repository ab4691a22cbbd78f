package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"time"
)

// Verdict is what a name and a password are worth.
type Verdict uint8

const (
	// Wrong is an unknown name, or another password than the user's.
	Wrong Verdict = iota
	// Right is the password of the user.
	Right
	// Busy tells that too many others wait to be verified, of the same list mostly.
	Busy
)

// Verifier verifies passwords. All methods may be called at any time.
type Verifier struct {
	secret [32]byte
	// right and wrong are digests of what was verified. They are apart, so that many
	// wrong passwords do not drive out the right ones.
	right, wrong known
	// queue has a place for each hash that may be computed at a time, and longest is how
	// long one is waited for.
	queue   queue
	longest time.Duration
}

// MostLength is the most that name and password may have together, in bytes.
const MostLength = 1024

const (
	longestWait = 5 * time.Second
	mostRight   = 16 << 10
	mostWrong   = 4 << 10
)

// NewVerifier returns a verifier that knows nobody.
func NewVerifier() *Verifier {
	v := &Verifier{
		right:   make(known, mostRight),
		wrong:   make(known, mostWrong),
		queue:   queue{free: max(runtime.GOMAXPROCS(0)/2, 1)},
		longest: longestWait,
	}
	_, _ = rand.Read(v.secret[:]) // it never fails
	return v
}

// Verify tells what a name and a password are worth for users. It keeps neither. It
// may wait for some seconds where the password was not verified before, and allocates
// nothing where it was.
func (v *Verifier) Verify(users *Users, name, password []byte) Verdict {
	if len(name)+len(password) > MostLength {
		return Wrong
	}
	h, exists := users.byName[string(name)]
	if !exists {
		if h = users.decoy(name); h == nil {
			return Wrong
		}
	}
	if h.cost <= cheap {
		return verdict(h.of.MatchesPassword(string(password)) && exists)
	}
	digest := v.digest(name, password, h.text, exists)
	if v.right.has(&digest) {
		return Right
	}
	if v.wrong.has(&digest) {
		return Wrong
	}
	if !v.queue.enter(users, v.longest) {
		return Busy
	}
	defer v.queue.leave()
	if v.right.has(&digest) { // another request of the same user was first
		return Right
	}
	if h.of.MatchesPassword(string(password)) && exists {
		v.right.add(digest)
		return Right
	}
	v.wrong.add(digest)
	return Wrong
}

func verdict(right bool) Verdict {
	if right {
		return Right
	}
	return Wrong
}

// digest is what a verdict is remembered by: nobody without the secret can find out
// the password from it, and a changed hash has another one.
func (v *Verifier) digest(name, password []byte, hash string, exists bool) [sha256.Size]byte {
	var space [32 + 12 + MostLength + longestLine]byte
	b := append(space[:0], v.secret[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(password)))
	if exists {
		b = append(b, 1)
	}
	b = append(b, name...)
	b = append(b, password...)
	b = append(b, hash...)
	sum := sha256.Sum256(b)
	clear(b)
	return sum
}

// known is a table of digests of a fixed size, in sets of some places each. It is read
// without a lock.
type known []atomic.Pointer[[sha256.Size]byte]

const places = 8

// set returns the places of a digest.
func (k known) set(digest *[sha256.Size]byte) known {
	at := binary.LittleEndian.Uint64(digest[:]) % uint64(len(k)/places) * places
	return k[at : at+places]
}

// has tells whether a digest is there. How long that takes tells nothing that whoever
// has not the secret could use.
func (k known) has(digest *[sha256.Size]byte) bool {
	set := k.set(digest)
	for i := range set {
		if p := set[i].Load(); p != nil && *p == *digest {
			return true
		}
	}
	return false
}

// add puts a digest in a free place, or in that of another one.
func (k known) add(digest [sha256.Size]byte) {
	set := k.set(&digest)
	for i := range set {
		if set[i].CompareAndSwap(nil, &digest) {
			return
		}
	}
	set[digest[sha256.Size-1]%places].Store(&digest)
}
