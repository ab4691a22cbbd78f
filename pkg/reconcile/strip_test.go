package reconcile

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What Build does not read is not kept, however large it is.
func TestSecretsKeepKeyPairsOnly(t *testing.T) {
	got, err := strip(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b", ResourceVersion: "1", Annotations: map[string]string{"x": "y"}},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"tls.crt": []byte("c"), "tls.key": []byte("k"), "release": make([]byte, 1<<20)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := got.(*corev1.Secret)
	if len(s.Data) != 2 || string(s.Data["tls.crt"]) != "c" || string(s.Data["tls.key"]) != "k" || s.Name != "b" || s.Annotations != nil {
		t.Errorf("kept %v", s)
	}
}
