package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// record loads ours alone for one window and writes its CPU profile, for builds
// that are guided by it.
func (b *bench) record() error {
	s, _ := find(capacity)
	if err := b.startAll(&s); err != nil {
		return err
	}
	ours := b.proxies[0]
	type answer struct {
		profile []byte
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		time.Sleep(b.warm)
		profile, err := fetchProfile(b.ctx, ours.profiles, b.window)
		answers <- answer{profile, err}
	}()
	if _, err := b.load(ours, &s, 0); err != nil {
		return err
	}
	a := <-answers
	if a.err != nil {
		return fmt.Errorf("profile: %w", a.err)
	}
	return os.WriteFile(b.profile, a.profile, 0o644)
}

func fetchProfile(ctx context.Context, admin string, length time.Duration) ([]byte, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, max(1, int(length/time.Second)))
	return fetch(ctx, url, length+time.Minute)
}
