package alloc

import "testing"

// BenchmarkExchange is what the memory of a small proxied exchange costs: the
// connection's buffers, a forwarded head, and the buffer of the response.
func BenchmarkExchange(b *testing.B) {
	for m := range Mode(Modes) {
		b.Run(m.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := TakeMemory(m)
				x.In.Alloc(4 << 10)
				x.Work.Alloc(1200)
				x.Work.Alloc(4 << 10)
				x.Out.Alloc(4 << 10)
				x.Work.EndExchange()
				x.Release()
			}
		})
	}
}

// BenchmarkLargeBody is what a body costs that is held whole.
func BenchmarkLargeBody(b *testing.B) {
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20} {
		for m := range Mode(Modes) {
			b.Run(m.String()+"/"+name(size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := Take(m)
					r.Alloc(size)
					r.Release()
				}
			})
		}
	}
}

func name(size int) string {
	if size >= 1<<20 {
		return "1MB"
	}
	return map[int]string{64 << 10: "64KB", 256 << 10: "256KB"}[size]
}
