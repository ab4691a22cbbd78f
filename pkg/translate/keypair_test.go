package translate

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"
)

// An author of Secrets must not be able to keep Build busy.
func TestHugeKeyPairsAreRefusedAtOnce(t *testing.T) {
	cert, key := certificate(t, "shop.example")
	started := time.Now()
	for _, test := range []struct {
		name      string
		cert, key []byte
		want      error
	}{
		{"sound", cert, key, nil},
		{"a chain of a megabyte", bytes.Repeat(cert, 1<<20/len(cert)), key, errCertificate},
		{"an RSA key of a megabit", cert, rsaKey(t, 1<<20), errKeySize},
	} {
		if pair := parsePair(test.cert, test.key); !errors.Is(pair.err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, pair.err, test.want)
		}
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// rsaKey is something in the form of an RSA key, whose factors are no primes: to
// find that out takes the longer the larger they are.
func rsaKey(t *testing.T, bits int) []byte {
	t.Helper()
	factor := func() *big.Int {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits/2)))
		if err != nil {
			t.Fatal(err)
		}
		return n.SetBit(n.SetBit(n, 0, 1), bits/2-1, 1)
	}
	p, q, small := factor(), factor(), big.NewInt(3)
	der, err := asn1.Marshal(struct {
		Version               int
		N                     *big.Int
		E                     int
		D, P, Q, Dp, Dq, Qinv *big.Int
	}{0, new(big.Int).Mul(p, q), 65537, p, p, q, small, small, small})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
}
