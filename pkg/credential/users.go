package credential

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	// The hashes of htpasswd but for its files, which are ours to read: it is the one
	// maintained library that has them all.
	"github.com/tg123/go-htpasswd"
)

// Users are the users of one list. They do not change.
type Users struct {
	byName map[string]*hash
	// hashes are those of byName, in the order of the lines. seed is made of the content,
	// which nobody knows who may not see the hashes.
	hashes []*hash
	seed   [sha256.Size]byte
}

// hash is the hash of a password.
type hash struct {
	text string
	of   htpasswd.EncodedPasswd
	// cost is that of a comparison, roughly, in microseconds.
	cost int
}

// Bounds of a list. Comparing with a hash must not take seconds.
const (
	// MostBytes is the size of the largest list.
	MostBytes = 1 << 20

	longestLine = 1024
	mostCost    = 14      // of bcrypt: about a second
	mostRounds  = 500_000 // of SHA-256 and SHA-512: about half a second
	mostErrors  = 8
)

// cheap is the cost up to which a comparison is neither remembered nor waited for.
const cheap = 10

var (
	errForm   = errors.New("want name:hash")
	errKind   = errors.New("the form of the hash is not known: bcrypt, $apr1$, $1$, $5$, $6$, {SHA}, {SSHA} and {PLAIN} are")
	errCrypt  = errors.New("hashes of DES are not supported: make one with htpasswd -B")
	errHash   = errors.New("the hash is malformed")
	errCost   = fmt.Errorf("want a bcrypt cost from 4 to %d", mostCost)
	errRounds = fmt.Errorf("want %d rounds at most", mostRounds)
	errLength = fmt.Errorf("want %d bytes at most", longestLine)
)

// Parse reads a list of lines name:hash, with comments after "#" at the beginning of a
// line. Of a name that occurs twice the first line counts, as in nginx. A line that
// cannot be read is left out, and told of without showing any of it: its user cannot
// log in.
func Parse(content []byte) (*Users, []error) {
	u := &Users{byName: make(map[string]*hash), seed: sha256.Sum256(content)}
	var wrong []error
	number := 0
	for line := range bytes.Lines(content) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		if err := u.add(line); err != nil && len(wrong) < mostErrors {
			wrong = append(wrong, fmt.Errorf("line %d: %w", number, err))
		}
	}
	return u, wrong
}

func (u *Users) add(line []byte) error {
	name, rest, ok := strings.Cut(string(line), ":")
	if !ok || name == "" {
		return errForm
	}
	if len(line) > longestLine {
		return errLength
	}
	text, _, _ := strings.Cut(rest, ":") // a comment may follow
	if _, twice := u.byName[name]; twice {
		return nil
	}
	h, err := parseHash(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	u.byName[name] = h
	u.hashes = append(u.hashes, h)
	return nil
}

// decoy is what the password of an unknown user is compared with, nil in an empty list. It
// is always the same for a name, in each process, and as often costly as those of known
// users are: how long it takes does not tell that there is no such user.
func (u *Users) decoy(name []byte) *hash {
	if len(u.hashes) == 0 {
		return nil
	}
	var space [sha256.Size + MostLength]byte
	sum := sha256.Sum256(append(append(space[:0], u.seed[:]...), name...))
	return u.hashes[binary.LittleEndian.Uint64(sum[:])%uint64(len(u.hashes))]
}

// parseHash reads a hash. It checks what the library takes for granted.
func parseHash(text string) (*hash, error) {
	h := &hash{text: text}
	var err error
	switch {
	case strings.HasPrefix(text, "{PLAIN}"):
		h.of = plain(text[len("{PLAIN}"):])
	case strings.HasPrefix(text, "{SHA}"):
		h.of, err = htpasswd.AcceptSha(text)
	case strings.HasPrefix(text, "{SSHA}"):
		h.of, err = htpasswd.AcceptSsha(text)
	case strings.HasPrefix(text, htpasswd.PrefixCryptApr1), strings.HasPrefix(text, htpasswd.PrefixCryptMd5):
		h.cost = 500
		if !hasParts(text, 3, 8, 22) {
			return nil, errHash
		}
		h.of, err = htpasswd.AcceptMd5(text)
	case strings.HasPrefix(text, "$2a$"), strings.HasPrefix(text, "$2b$"), strings.HasPrefix(text, "$2y$"):
		h.cost, err = bcryptCost(text)
		if err != nil {
			return nil, err
		}
		h.of, err = htpasswd.AcceptBcrypt(text)
	case strings.HasPrefix(text, htpasswd.PrefixCryptSha256):
		return parseSHA(h, 43)
	case strings.HasPrefix(text, htpasswd.PrefixCryptSha512):
		return parseSHA(h, 86)
	case len(text) == 13 && isSalted(text):
		return nil, errCrypt
	default:
		return nil, errKind
	}
	if err != nil || h.of == nil {
		return nil, errHash // that of the library shows the hash
	}
	return h, nil
}

// bcryptCost reads the cost of a hash of bcrypt, and returns it as one of ours.
func bcryptCost(text string) (int, error) {
	if len(text) != 60 || text[6] != '$' || !isSalted(text[7:]) {
		return 0, errHash
	}
	cost, err := strconv.ParseUint(text[4:6], 10, 8)
	if err != nil || cost < 4 || cost > mostCost {
		return 0, errCost
	}
	return 60 << cost, nil
}

// parseSHA reads a hash of SHA-256 or SHA-512 in the form of crypt(3), with so many
// digits.
func parseSHA(h *hash, digits int) (*hash, error) {
	rounds, parts := 5000, 3
	if rest, ok := strings.CutPrefix(h.text[len("$5$"):], "rounds="); ok {
		number, _, _ := strings.Cut(rest, "$")
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || number[0] == '0' {
			return nil, errHash
		}
		if n > mostRounds {
			return nil, errRounds
		}
		rounds, parts = max(int(n), 1000), 4
	}
	if !hasParts(h.text, parts, 16, digits) {
		return nil, errHash
	}
	of, err := htpasswd.AcceptCryptSha(h.text)
	if err != nil {
		return nil, errHash
	}
	h.of, h.cost = of, rounds
	return h, nil
}

// hasParts tells whether a hash has so many parts after a "$" each, of which the last
// two are a salt with up to so many characters and so many digits.
func hasParts(text string, parts, salt, digits int) bool {
	list := strings.Split(text[1:], "$")
	if len(list) != parts {
		return false
	}
	s, d := list[parts-2], list[parts-1]
	return s != "" && len(s) <= salt && len(d) == digits && isSalted(d)
}

// isSalted tells whether text consists of the digits of crypt(3).
func isSalted(text string) bool {
	for _, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '.' || c > '9') {
			return false
		}
	}
	return true
}

// plain is a password that is not hashed at all.
type plain string

// MatchesPassword implements htpasswd.EncodedPasswd.
func (p plain) MatchesPassword(password string) bool {
	return subtle.ConstantTimeCompare([]byte(p), []byte(password)) == 1
}
