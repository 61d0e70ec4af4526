package runtime

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Two threads that begin together should end together: the tasks that each begins with are
// about as many multiply-adds.
func TestProductIsSharedEvenly(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, layer := range []convCase{
			pointwise(28, 32, 192), pointwise(14, 96, 576), pointwise(14, 512, 24), pointwise(7, 160, 960), pointwise(7, 960, 160),
			pointwise(7, 832, 256), pointwise(7, 1024, 1024), pointwise(17, 160, 192), pointwise(8, 384, 192), pointwise(1, 1280, 1000), threeByThree(7, 192, 1),
		} {
			op := layer.op(Act{})
			l := NewLoader(convWeights(rand.New(rand.NewPCG(1, 3)), op))
			conv := l.Conv("conv", op)
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
			src := View{Pitch: op.In.C}
			dst := View{Offset: op.In.Len(), Pitch: op.Out.C}
			const threads = 2
			s := NewSession(l.Memory(dst.Offset+op.Out.Len()), Threads(threads))
			defer s.Close()
			s.images, s.threads = 1, threads
			conv.Run(s, dst, src)
			c := &s.product
			tasks := c.parts * len(c.blocks) * c.chunks
			least, most := math.MaxInt, 0
			for worker := range threads {
				work := 0
				for i := tasks * worker / threads; i < tasks*(worker+1)/threads; i++ {
					part, b, chunk := i/c.chunks/len(c.blocks), &c.blocks[i/c.chunks%len(c.blocks)], i%c.chunks
					n := c.tiles*(part+1)/c.parts - c.tiles*part/c.parts
					work += (n*(chunk+1)/c.chunks - n*chunk/c.chunks) * (b.bTo - b.bFrom)
				}
				least, most = min(least, work), max(most, work)
			}
			if 8*most > 9*least {
				t.Errorf("%s: one thread does %.2f times what the other does", layer.name, float64(most)/float64(least))
			}
		}
	})
}
