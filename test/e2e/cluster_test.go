//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is what KUBECONFIG points at.
type cluster struct {
	*kubernetes.Clientset
	meta metadata.Interface
	// node is the address where NodePorts answer.
	node string
}

// connect fails the test with a sentence when the environment does not name a
// cluster and an image.
func connect(t *testing.T) cluster {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" || os.Getenv("E2E_IMAGE") == "" {
		t.Fatal("KUBECONFIG and E2E_IMAGE must be set; `make e2e` says how to get them")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	var c cluster
	if c.Clientset, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if c.meta, err = metadata.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if c.node = os.Getenv("E2E_NODE_ADDRESS"); c.node == "" {
		c.node = c.nodeAddress(t)
	}
	return c
}

func (c cluster) nodeAddress(t *testing.T) string {
	t.Helper()
	nodes, err := c.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				return address.Address
			}
		}
	}
	t.Fatal("no node has an InternalIP; set E2E_NODE_ADDRESS")
	return ""
}

// namespace makes a namespace that is gone when the test is.
func (c cluster) namespace(t *testing.T, prefix string) string {
	t.Helper()
	ns, err := c.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("delete namespace %s: %v", ns.Name, err)
		}
	})
	return ns.Name
}

// helm runs helm and fails the test with its output when it fails.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runHelm(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func runHelm(ctx context.Context, args ...string) (string, error) {
	program := os.Getenv("HELM")
	if program == "" {
		program = "helm"
	}
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// eventually tries until it succeeds, for at most the time given.
func eventually(t *testing.T, timeout time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", timeout, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// restart does what `kubectl rollout restart` does and waits until only new
// pods are left.
func (c cluster) restart(t *testing.T, namespace, deployment string, timeout time.Duration) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{"kubectl.kubernetes.io/restartedAt": time.Now().Format(time.RFC3339Nano)},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AppsV1().Deployments(namespace).Patch(t.Context(), deployment, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.rolledOut(t, namespace, deployment, timeout)
}

// rolledOut waits until the Deployment's pods are all new and available, and
// old ones are gone: terminating pods too, as they still serve.
func (c cluster) rolledOut(t *testing.T, namespace, deployment string, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, func() error {
		d, err := c.AppsV1().Deployments(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
		if err != nil {
			return err
		}
		s := d.Status
		if s.ObservedGeneration < d.Generation || s.UpdatedReplicas != *d.Spec.Replicas || s.AvailableReplicas != *d.Spec.Replicas || s.Replicas != *d.Spec.Replicas {
			return fmt.Errorf("deployment %s: %d of %d updated, %d available, %d in all", deployment, s.UpdatedReplicas, *d.Spec.Replicas, s.AvailableReplicas, s.Replicas)
		}
		pods, err := c.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
		if err != nil {
			return err
		}
		if len(pods.Items) != int(*d.Spec.Replicas) {
			return fmt.Errorf("deployment %s: %d pods, want %d", deployment, len(pods.Items), *d.Spec.Replicas)
		}
		return nil
	})
}

// left lists everything in the cluster that matches a label selector, as
// resource namespace/name. Events are left out: they age away.
func (c cluster) left(ctx context.Context, selector string) ([]string, error) {
	lists, err := c.Discovery().ServerPreferredResources()
	// An aggregated API that is down hides nothing of ours.
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, err
	}
	var found []string
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if resource.Name == "events" || !contains(resource.Verbs, "list") {
				continue
			}
			objects, err := c.meta.Resource(gv.WithResource(resource.Name)).List(ctx, metav1.ListOptions{LabelSelector: selector})
			switch {
			case apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err):
				continue
			case err != nil:
				return nil, fmt.Errorf("list %s: %w", resource.Name, err)
			}
			for _, o := range objects.Items {
				found = append(found, fmt.Sprintf("%s %s/%s", resource.Name, o.Namespace, o.Name))
			}
		}
	}
	return found, nil
}

func contains(verbs metav1.Verbs, verb string) bool {
	for _, v := range verbs {
		if v == verb {
			return true
		}
	}
	return false
}

// hasCRD tells whether the cluster has the CRD already, so that this release
// must not own it.
func (c cluster) hasCRD(t *testing.T) bool {
	t.Helper()
	_, err := c.Discovery().ServerResourcesForGroupVersion("shockwave.dev/v1alpha1")
	var gone *discovery.ErrGroupDiscoveryFailed
	if err != nil && !apierrors.IsNotFound(err) && !errors.As(err, &gone) {
		t.Fatal(err)
	}
	return err == nil
}
