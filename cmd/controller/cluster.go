package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/status"
)

// newCluster returns what follows the objects of an API server, and writes their
// status.
func newCluster(s settings.Settings, log *slog.Logger, m *metrics.Metrics, connections func() int, p *reconcile.Publisher) (func(context.Context) error, error) {
	klog.SetSlogLogger(log)
	ctrllog.SetLogger(logr.FromSlogHandler(log.Handler()))
	config, err := apiServer(s)
	if err != nil {
		return nil, err
	}
	s.TopologyZone = ownZone(context.Background(), s, config, log)
	p.Settings.Zone = s.TopologyZone
	writer, err := status.New(statusOptions(s, config, log, connections))
	if err != nil {
		return nil, err
	}
	p.Observe = writer.Observe
	cluster, err := reconcile.New(reconcile.Options{Config: config, PublishService: objectName(s.PublishService), Log: log}, p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		m.SetLeader(s.ElectionID, writer.Leading)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 2)
		for _, run := range []func(context.Context) error{cluster.Run, writer.Run} {
			go func() {
				defer cancel() // one does not go on without the other
				ended <- run(ctx)
			}()
		}
		return errors.Join(<-ended, <-ended)
	}, nil
}

func statusOptions(s settings.Settings, config *rest.Config, log *slog.Logger, connections func() int) status.Options {
	o := status.Options{
		Config:          config,
		Settings:        translation(s),
		UpdateStatus:    s.UpdateStatus,
		PublishService:  objectName(s.PublishService),
		ClearOnShutdown: s.UpdateStatusOnShutdown,
		Election:        s.ElectionID,
		Namespace:       podNamespace(s),
		ElectionTTL:     s.ElectionTTL,
		PodName:         s.PodName,
		Connections:     connections,
		Log:             log,
	}
	if s.DisableLeaderElection {
		o.Election = ""
	}
	for address := range strings.SplitSeq(s.PublishStatusAddress, ",") {
		if address = strings.TrimSpace(address); address != "" {
			o.Addresses = append(o.Addresses, address)
		}
	}
	return o
}

// zoneLabel is what Kubernetes tells the zone of a node by.
const zoneLabel = "topology.kubernetes.io/zone"

// ownZone returns the zone that requests should stay in: the one that is set, or
// that of the node. It is empty where nobody has asked for that, or the node has none.
func ownZone(ctx context.Context, s settings.Settings, config *rest.Config, log *slog.Logger) string {
	if !s.EnableTopologyAwareRouting || s.TopologyZone != "" || s.NodeName == "" {
		return s.TopologyZone
	}
	client, err := kubernetes.NewForConfig(config)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		var node *corev1.Node
		if node, err = client.CoreV1().Nodes().Get(ctx, s.NodeName, metav1.GetOptions{}); err == nil {
			return node.Labels[zoneLabel]
		}
	}
	log.Warn("the zone of the node is not known: requests go to endpoints in all zones", "node", s.NodeName, "err", err)
	return ""
}

// podNamespace is where the Lease is: the namespace of the pod, as the environment
// or the service account tells it, else "default".
func podNamespace(s settings.Settings) string {
	if s.PodNamespace != "" {
		return s.PodNamespace
	}
	const file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
	if name, err := os.ReadFile(file); err == nil && len(name) > 0 {
		return strings.TrimSpace(string(name))
	}
	return "default"
}

// apiServer says how the API server is reached.
func apiServer(s settings.Settings) (*rest.Config, error) {
	if s.Kubeconfig == "" && s.APIServerHost == "" {
		config, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, errors.New("this is no pod of a cluster: say with --kubeconfig how to reach one, serve a directory with --manifests, or try `shockwave demo`")
		}
		if err != nil {
			return nil, fmt.Errorf("the service account of the pod: %w", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags(s.APIServerHost, s.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig: %w", err)
	}
	if s.CertificateAuthority != "" {
		config.CAFile, config.CAData = s.CertificateAuthority, nil
	}
	return config, nil
}
