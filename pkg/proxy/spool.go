package proxy

import (
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// spool holds a body whose end is not known when it begins: its first part in memory
// of the exchange, the rest in a temporary file that has no name.
type spool struct {
	mem  []byte
	most int // how much memory
	file *os.File
	size int64 // bytes in the file
}

// mostSpooled bounds the bytes in temporary files of the whole process, and
// spooled counts them: a few clients must not fill the disk of the node.
const mostSpooled = 8 << 30

var spooled atomic.Int64

// errNoRoom is returned when a body cannot be kept.
var errNoRoom = errors.New("no room for a body")

// firstSpool is the size of the memory that a spool begins with.
const firstSpool = 16 << 10

// begin readies s for a body, of which most bytes are held in memory. length is how
// long it is, negative when that is not known.
func (s *spool) begin(mem *alloc.Region, most, length int64) {
	size := min(most, firstSpool)
	if length >= 0 {
		size = min(most, length)
	}
	s.mem, s.most = mem.Alloc(int(size))[:0], int(most)
}

// write appends p, and tells how much of it, which is all unless there is an error.
func (s *spool) write(mem *alloc.Region, p []byte) (n int64, err error) {
	if s.size == 0 {
		if n := len(s.mem) + len(p); n > cap(s.mem) && cap(s.mem) < s.most {
			s.mem = mem.Grow(s.mem, min(max(2*cap(s.mem), n), s.most))
		}
		k := min(len(p), cap(s.mem)-len(s.mem), s.most-len(s.mem))
		s.mem = append(s.mem, p[:k]...)
		p, n = p[k:], int64(k)
	}
	if len(p) > 0 {
		if err := s.writeFile(p); err != nil {
			return n, err
		}
	}
	return n + int64(len(p)), nil
}

// writeFile appends all of p to the file, or nothing.
func (s *spool) writeFile(p []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "shockwave-body-")
		if err != nil {
			return errors.Join(errNoRoom, err)
		}
		_ = os.Remove(f.Name()) // the bytes go with the descriptor, also when the process dies
		s.file = f
	}
	n := int64(len(p))
	if spooled.Add(n) > mostSpooled {
		spooled.Add(-n)
		return errNoRoom
	}
	if _, err := s.file.WriteAt(p, s.size); err != nil {
		spooled.Add(-n)
		return errors.Join(errNoRoom, err)
	}
	s.size += n
	return nil
}

// length is how many bytes s holds.
func (s *spool) length() int64 { return int64(len(s.mem)) + s.size }

// readAt reads into p from an offset. It returns io.EOF with no byte at the end.
func (s *spool) readAt(p []byte, at int64) (int, error) {
	if at < int64(len(s.mem)) {
		return copy(p, s.mem[at:]), nil
	}
	at -= int64(len(s.mem))
	if at >= s.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.size-at)]
	return s.file.ReadAt(p, at)
}

// rewind forgets what s holds, to be filled again.
func (s *spool) rewind() {
	s.mem = s.mem[:0]
	spooled.Add(-s.size)
	s.size = 0
}

// close gives up what s holds.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		spooled.Add(-s.size)
		s.file, s.size = nil, 0
	}
	s.mem = nil
}
