package ingress

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/binary"
	"github.com/shockwave-ingress/shockwave/internal/wholefile"
)

func TestMain(m *testing.M) { binary.Main(m) }

// directory is a site that reads manifests.
type directory struct {
	*binary.Process
	dir string
}

func (d directory) HTTP() string                             { return d.Process.HTTP }
func (d directory) HTTPS() string                            { return d.Process.HTTPS }
func (d directory) Endpoint(a netip.AddrPort) netip.AddrPort { return a }
func (d directory) CheckNoStatus(*testing.T, string)         {}

func (d directory) Apply(t *testing.T, yaml string) {
	t.Helper()
	wholefile.Write(t, filepath.Join(d.dir, "objects.yaml"), yaml)
}

func TestScenariosFromDirectory(t *testing.T) {
	dir := t.TempDir()
	site := directory{Process: binary.Start(t, "--manifests", dir), dir: dir}
	site.Ready()
	for _, s := range Scenarios {
		t.Run(s.Feature+"/"+s.Name, func(t *testing.T) { Run(t, site, s) })
	}
}
