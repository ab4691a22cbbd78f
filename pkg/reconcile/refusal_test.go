package reconcile

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestRefusalsAreToldNowAndThen(t *testing.T) {
	var log bytes.Buffer
	r := &refusals{log: slog.New(slog.NewTextHandler(&log, nil))}
	secrets := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
	configMaps := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no"))
	now := time.Now()
	for minute := range 15 {
		r.refused("PartialObjectMetadata", secrets, now.Add(time.Duration(minute)*time.Minute))
		r.refused("PartialObjectMetadata", configMaps, now)
		r.refused("Ingress", apierrors.NewInternalError(errors.New("etcd")), now)
		r.refused("Ingress", apierrors.NewResourceExpired("too old"), now)
	}
	if n := strings.Count(log.String(), "ClusterRole"); n != 3 {
		t.Errorf("two missing rights are told %d times, want 3", n)
	}
	if n := strings.Count(log.String(), "kind=Ingress"); n != 1 {
		t.Errorf("the other error is told %d times, want once", n)
	}
	r.refused("Secret", errors.New("something else"), now)
	if !strings.Contains(log.String(), "something else") {
		t.Error("another error of the same kind is not told")
	}
}
