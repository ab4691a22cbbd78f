//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	release    = "shockwave-e2e"
	controller = "shockwave-e2e-controller" // Deployment and Service of the release
	class      = "shockwave-e2e"
	host       = "echo.e2e.test"
)

// TestRelease follows one release from installation to removal. The steps need
// each other, so the first that fails ends the test.
func TestRelease(t *testing.T) {
	c := connect(t)
	ns, app := c.namespace(t, "shockwave-e2e-"), c.namespace(t, "shockwave-e2e-app-")
	t.Cleanup(func() {
		// What the last step has uninstalled is not there any more.
		_, _ = runHelm(context.Background(), "uninstall", release, "--namespace", ns, "--ignore-not-found", "--wait")
	})
	url := ""
	for _, step := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"helm install", func(t *testing.T) { url = c.install(t, ns) }},
		{"an Ingress answers from all pods", func(t *testing.T) { c.deployEcho(t, app); c.reachesAllPods(t, app, url) }},
		{"an unknown host is 404", func(t *testing.T) { answers404(t, url) }},
		{"the Ingress has an address", func(t *testing.T) { c.hasAddress(t, app) }},
		{"restart of the application loses no request", func(t *testing.T) {
			l := startLoad(t, url, host)
			c.restart(t, app, "echo", 2*time.Minute)
			l.check(t)
		}},
		{"restart of Shockwave loses no request", func(t *testing.T) {
			l := startLoad(t, url, host)
			c.restart(t, ns, controller, 4*time.Minute)
			l.check(t)
		}},
		{"helm uninstall leaves nothing behind", func(t *testing.T) { c.uninstall(t, ns) }},
	} {
		if !t.Run(step.name, step.run) {
			c.logPods(t, ns)
			return
		}
	}
}

// install gives the URL of the NodePort for HTTP.
func (c cluster) install(t *testing.T, ns string) string {
	t.Helper()
	repository, tag := splitImage(os.Getenv("E2E_IMAGE"))
	helm(t, "install", release, "../../charts/shockwave", "--namespace", ns, "--wait", "--timeout", "3m",
		"--set", "controller.image.repository="+repository,
		"--set-string", "controller.image.tag="+tag,
		"--set", "controller.service.type=NodePort",
		"--set", "controller.ingressClassResource.name="+class,
		"--set", "controller.ingressClassResource.controllerValue=shockwave.dev/e2e",
		"--set", "controller.ingressClass="+class,
		"--set", fmt.Sprintf("crds.enabled=%t", !c.hasCRD(t)))
	service, err := c.CoreV1().Services(ns).Get(t.Context(), controller, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range service.Spec.Ports {
		if port.Name == "http" {
			return "http://" + net.JoinHostPort(c.node, strconv.Itoa(int(port.NodePort))) + "/"
		}
	}
	t.Fatal("the Service has no port named http")
	return ""
}

// splitImage splits name:tag; a colon before a slash belongs to a port.
func splitImage(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}

// deployEcho makes three pods of the echo application, their Service and an
// Ingress, and waits for the pods.
func (c cluster) deployEcho(t *testing.T, ns string) {
	t.Helper()
	image := os.Getenv("E2E_ECHO_IMAGE")
	if image == "" {
		image = "localhost/echo:dev"
	}
	labels := map[string]string{"app": "echo"}
	yes, no, replicas, prefix, className := true, false, int32(3), networkingv1.PathTypePrefix, class
	unavailable, surge := intstr.FromInt32(0), intstr.FromInt32(1)
	objects := metav1.ObjectMeta{Name: "echo", Labels: labels}
	deployment := &appsv1.Deployment{ObjectMeta: objects, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas,
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &unavailable, MaxSurge: &surge}},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				SecurityContext: &corev1.PodSecurityContext{
					RunAsNonRoot:   &yes,
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
				Containers: []corev1.Container{{
					Name:            "echo",
					Image:           image,
					ImagePullPolicy: corev1.PullIfNotPresent,
					Env: []corev1.EnvVar{
						// What every application needs behind any proxy: endpoints
						// are withdrawn while it still answers.
						{Name: "SHUTDOWN_DELAY", Value: "3s"},
						{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
					},
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 3000}},
					ReadinessProbe: &corev1.Probe{
						ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}},
						PeriodSeconds: 1,
					},
					SecurityContext: &corev1.SecurityContext{
						AllowPrivilegeEscalation: &no,
						ReadOnlyRootFilesystem:   &yes,
						Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
					},
				}},
			},
		},
	}}
	service := &corev1.Service{ObjectMeta: objects, Spec: corev1.ServiceSpec{
		Selector: labels,
		Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
	}}
	ingress := &networkingv1.Ingress{ObjectMeta: objects, Spec: networkingv1.IngressSpec{
		IngressClassName: &className,
		Rules: []networkingv1.IngressRule{{
			Host: host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path:     "/",
				PathType: &prefix,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: "echo", Port: networkingv1.ServiceBackendPort{Name: "http"},
				}},
			}}}},
		}},
	}}
	if _, err := c.AppsV1().Deployments(ns).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NetworkingV1().Ingresses(ns).Create(t.Context(), ingress, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.rolledOut(t, ns, "echo", 2*time.Minute)
}

// reachesAllPods waits until each pod of the application has answered.
func (c cluster) reachesAllPods(t *testing.T, ns, url string) {
	t.Helper()
	pods, err := c.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app=echo"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	eventually(t, 30*time.Second, func() error {
		pod, err := get(t.Context(), http.DefaultClient, url, host)
		if err != nil {
			return err
		}
		seen[pod] = true
		if len(seen) < len(pods.Items) {
			return fmt.Errorf("%d of %d pods answered: %v", len(seen), len(pods.Items), seen)
		}
		return nil
	})
	for _, pod := range pods.Items {
		if !seen[pod.Name] {
			t.Errorf("pod %s never answered, but %v did", pod.Name, seen)
		}
	}
}

func answers404(t *testing.T, url string) {
	t.Helper()
	_, err := get(t.Context(), http.DefaultClient, url, "unknown.e2e.test")
	if err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("an unknown host: %v, want status 404", err)
	}
}

// hasAddress waits for status.loadBalancer, which the leader writes.
func (c cluster) hasAddress(t *testing.T, ns string) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		ingress, err := c.NetworkingV1().Ingresses(ns).Get(t.Context(), "echo", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(ingress.Status.LoadBalancer.Ingress) == 0 {
			return fmt.Errorf("status.loadBalancer of the Ingress is empty")
		}
		return nil
	})
}

// uninstall removes the release and waits until nothing of it is left.
func (c cluster) uninstall(t *testing.T, ns string) {
	t.Helper()
	helm(t, "uninstall", release, "--namespace", ns, "--wait", "--timeout", "6m")
	eventually(t, 2*time.Minute, func() error {
		left, err := c.left(t.Context(), "app.kubernetes.io/instance="+release)
		if err != nil {
			return err
		}
		leases, err := c.CoordinationV1().Leases(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, lease := range leases.Items {
			left = append(left, "lease "+lease.Name)
		}
		if len(left) > 0 {
			return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
		}
		return nil
	})
}

// logPods shows the end of the controller's logs, for a failed test.
func (c cluster) logPods(t *testing.T, ns string) {
	t.Helper()
	pods, err := c.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Log(err)
		return
	}
	lines := int64(40)
	for _, pod := range pods.Items {
		out, err := c.CoreV1().Pods(ns).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).DoRaw(t.Context())
		t.Logf("pod %s, %s, log (%v):\n%s", pod.Name, pod.Status.Phase, err, out)
	}
}
