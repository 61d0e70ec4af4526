package runtime

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBorder takes images in and out again in both orders of axes.
func TestBorder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range append(slices.Clone(shapes), Shape{3, 37, 41}) {
		for _, c := range settings {
			in := random(rng, c.images, shape).data // NHWC
			want := make([]float32, len(in))        // NCHW
			pixels := shape.Pixels()
			for i := range c.images {
				for p := range pixels {
					for ch := range shape.C {
						want[(i*shape.C+ch)*pixels+p] = in[(i*pixels+p)*shape.C+ch]
					}
				}
			}
			v := View{Channel: c.channel, Pitch: c.channel + shape.C + c.gap}
			mem := Memory{Arena: pixels * v.Pitch}
			hwc, chw := NewSession(mem, Threads(c.threads), Batch(c.batch), Layout(NHWC)), NewSession(mem, Threads(c.threads), Batch(c.batch))
			got, back := make([]float32, len(in)), make([]float32, len(in))
			hwc.Begin(c.images)
			hwc.Input(v, shape, in)
			hwc.Output(back, v, shape)
			hwc.End()
			chw.Begin(c.images)
			copy(chw.arena, hwc.arena)
			chw.Output(got, v, shape)
			chw.End()
			if !slices.Equal(back, in) {
				t.Fatalf("%v %v: NHWC images come back changed", shape, c)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v %v: NHWC in, NCHW out is wrong", shape, c)
			}
			hwc.Close()
			chw.Close()
		}
	}
}

func BenchmarkBorder(b *testing.B) {
	for _, test := range []struct {
		shape Shape
		pitch int
	}{{Shape{3, 224, 224}, 16}, {Shape{3, 224, 224}, 3}, {Shape{256, 14, 14}, 256}} {
		s := NewSession(Memory{Arena: test.shape.Pixels() * test.pitch}, Threads(1))
		flat, v := make([]float32, test.shape.Len()), View{Pitch: test.pitch}
		s.Begin(1)
		b.Run(fmt.Sprintf("in/%dx%d/pitch=%d", test.shape.C, test.shape.Pixels(), test.pitch), func(b *testing.B) {
			for b.Loop() {
				s.Input(v, test.shape, flat)
			}
		})
		b.Run(fmt.Sprintf("out/%dx%d/pitch=%d", test.shape.C, test.shape.Pixels(), test.pitch), func(b *testing.B) {
			for b.Loop() {
				s.Output(flat, v, test.shape)
			}
		})
		s.End()
	}
}
