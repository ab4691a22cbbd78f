package reconcile

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// An outage is told once, and so is its end, however many watches see it.
func TestOutageIsTriedAgain(t *testing.T) {
	var log bytes.Buffer
	r := &reach{log: slog.New(slog.NewTextHandler(&log, nil))}
	tries := 0
	start := time.Now()
	err := r.try(t.Context(), func() error {
		if tries++; tries < 3 {
			return errors.New("connection refused")
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, then %v", tries, err)
	}
	if took := time.Since(start); took < reconnectAfter || took > 10*time.Second {
		t.Errorf("two pauses took %v", took)
	}
	if n := strings.Count(log.String(), "cannot be reached"); n != 1 || strings.Count(log.String(), "reached again") != 1 {
		t.Errorf("log:\n%s", &log)
	}
}

// What the API server itself refuses is for client-go to judge: it lists anew
// where a version is too old.
func TestAnswersAreNotTriedAgain(t *testing.T) {
	r := &reach{log: slog.New(slog.DiscardHandler)}
	refused := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
	tries := 0
	if err := r.try(t.Context(), func() error { tries++; return refused }); !errors.Is(err, refused) || tries != 1 {
		t.Errorf("%d tries, then %v", tries, err)
	}
}

func TestOutageEndsWithItsContext(t *testing.T) {
	r := &reach{log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	away := errors.New("connection refused")
	if err := r.try(ctx, func() error { cancel(); return away }); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
}
