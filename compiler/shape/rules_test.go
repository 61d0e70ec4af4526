package shape

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Short forms for the tables.
var (
	S = func(dims ...int) Shape { return dims }
	k = func(kernel, stride, pad int) Window {
		return Window{Square(kernel), Square(stride), Square(1), PadAll(pad)}
	}
)

// TestRules has every rule at its usual, its least and its greatest.
func TestRules(t *testing.T) {
	rect := Window{Size{3, 5}, Size{2, 1}, Size{1, 2}, Padding{1, 3, 0, 4}}
	dilated := Window{Square(3), Square(2), Square(2), PadAll(2)}
	for _, c := range []struct {
		name string
		rule func() (Shape, error)
		want string
	}{
		{"conv stem", func() (Shape, error) { return Conv("conv", S(3, 224, 224), 64, k(7, 2, 3), 1) }, "[64 112 112]"},
		{"conv rest of stride", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(3, 2, 0), 1) }, "[4 3 3]"},
		{"conv depthwise", func() (Shape, error) { return Conv("conv", S(32, 7, 7), 64, k(3, 1, 1), 32) }, "[64 7 7]"},
		{"conv rectangle", func() (Shape, error) { return Conv("conv", S(8, 12, 10), 16, rect, 4) }, "[16 6 9]"},
		{"conv exact fit", func() (Shape, error) { return Conv("conv", S(16, 5, 5), 120, k(5, 1, 0), 1) }, "[120 1 1]"},
		{"conv on vector", func() (Shape, error) { return Conv("conv", S(9), 4, k(1, 1, 0), 1) }, CodeRank},
		{"conv no output", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 0, k(1, 1, 0), 1) }, CodeAttr},
		{"conv no groups", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 3, k(1, 1, 0), 0) }, CodeAttr},
		{"conv groups and input", func() (Shape, error) { return Conv("conv", S(64, 8, 8), 63, k(1, 1, 0), 3) }, CodeGroups},
		{"conv groups and output", func() (Shape, error) { return Conv("conv", S(63, 8, 8), 64, k(1, 1, 0), 3) }, CodeGroups},
		{"conv kernel too large", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(9, 1, 0), 1) }, CodeWindow},
		{"conv kernel zero", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(0, 1, 0), 1) }, CodeAttr},
		{"conv stride zero", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(1, 0, 0), 1) }, CodeAttr},
		{"conv pad negative", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(1, 1, -1), 1) }, CodeAttr},
		{"conv dilation zero", func() (Shape, error) {
			return Conv("conv", S(3, 8, 8), 4, Window{Kernel: Square(1), Stride: Square(1)}, 1)
		}, CodeAttr},
		{"conv pad huge", func() (Shape, error) { return Conv("conv", S(3, 8, 8), 4, k(1, 1, math.MaxInt), 1) }, CodeLimit},
		{"conv out huge", func() (Shape, error) { return Conv("conv", S(3, 1, 1), MaxAxis+1, k(1, 1, 0), 1) }, CodeLimit},
		{"conv result huge", func() (Shape, error) { return Conv("conv", S(1, 1, 1), 1, k(1, 1, 1<<20), 1) }, CodeLimit},
		{"conv weights huge", func() (Shape, error) { return Conv("conv", S(1<<20, 1, 1), 1<<20, k(1, 1, 0), 1) }, CodeLimit},

		{"linear", func() (Shape, error) { return Linear(S(2048), 1000, false) }, "[1000]"},
		{"linear flattening", func() (Shape, error) { return Linear(S(512, 7, 7), 4096, true) }, "[4096]"},
		{"linear on map", func() (Shape, error) { return Linear(S(512, 7, 7), 4096, false) }, CodeRank},
		{"linear flattening vector", func() (Shape, error) { return Linear(S(512), 4096, true) }, CodeRank},
		{"linear no output", func() (Shape, error) { return Linear(S(512), 0, false) }, CodeAttr},
		{"linear weights huge", func() (Shape, error) { return Linear(S(1<<20), 1<<20, false) }, CodeLimit},

		{"maxpool", func() (Shape, error) { return MaxPool(S(64, 112, 112), k(3, 2, 1), false) }, "[64 56 56]"},
		{"maxpool ceil", func() (Shape, error) { return MaxPool(S(64, 112, 112), k(3, 2, 0), true) }, "[64 56 56]"},
		{"maxpool floor", func() (Shape, error) { return MaxPool(S(64, 112, 112), k(3, 2, 0), false) }, "[64 55 55]"},
		// A fifth window would start at 7, in the padding after the 6 pixels.
		{"maxpool ceil in padding", func() (Shape, error) { return MaxPool(S(1, 6, 6), k(2, 2, 1), true) }, "[1 4 4]"},
		{"maxpool ceil last start", func() (Shape, error) { return MaxPool(S(1, 5, 5), k(1, 3, 0), true) }, "[1 2 2]"},
		{"maxpool ceil beyond input", func() (Shape, error) { return MaxPool(S(1, 4, 4), k(1, 3, 0), true) }, "[1 2 2]"},
		{"maxpool ceil larger than input", func() (Shape, error) { return MaxPool(S(1, 2, 2), k(3, 2, 0), true) }, "[1 1 1]"},
		{"maxpool ceil much larger", func() (Shape, error) { return MaxPool(S(1, 2, 2), k(4, 2, 0), true) }, CodeWindow},
		{"maxpool dilated", func() (Shape, error) { return MaxPool(S(1, 9, 9), dilated, false) }, "[1 5 5]"},
		{"maxpool too large", func() (Shape, error) { return MaxPool(S(1, 2, 2), k(3, 2, 0), false) }, CodeWindow},
		{"maxpool pad beyond half", func() (Shape, error) { return MaxPool(S(1, 9, 9), k(3, 2, 2), false) }, CodeAttr},
		{"maxpool on vector", func() (Shape, error) { return MaxPool(S(9), k(3, 2, 1), false) }, CodeRank},
		{"avgpool", func() (Shape, error) { return AvgPool(S(6, 28, 28), k(2, 2, 0), false) }, "[6 14 14]"},
		{"avgpool dilated", func() (Shape, error) { return AvgPool(S(1, 9, 9), dilated, false) }, CodeAttr},
		{"adaptivepool", func() (Shape, error) { return AdaptivePool("adaptiveavgpool", S(512, 10, 13), Size{7, 6}) }, "[512 7 6]"},
		{"adaptivepool enlarges", func() (Shape, error) { return AdaptivePool("adaptiveavgpool", S(512, 2, 2), Square(7)) }, "[512 7 7]"},
		{"adaptivepool to nothing", func() (Shape, error) { return AdaptivePool("adaptiveavgpool", S(512, 2, 2), Size{1, 0}) }, CodeAttr},
		{"adaptivepool huge", func() (Shape, error) { return AdaptivePool("adaptiveavgpool", S(512, 2, 2), Square(1<<20)) }, CodeLimit},
		{"adaptivepool on vector", func() (Shape, error) { return AdaptivePool("adaptiveavgpool", S(9), Square(1)) }, CodeRank},
		{"globalpool", func() (Shape, error) { return GlobalPool("globalavgpool", S(2048, 7, 7)) }, "[2048 1 1]"},
		{"globalpool on vector", func() (Shape, error) { return GlobalPool("globalavgpool", S(9)) }, CodeRank},
		{"pad", func() (Shape, error) { return Pad(S(8, 12, 10), Padding{1, 0, 2, 3}) }, "[8 15 13]"},
		{"pad negative", func() (Shape, error) { return Pad(S(8, 12, 10), Padding{1, 0, -2, 3}) }, CodeAttr},
		{"pad on vector", func() (Shape, error) { return Pad(S(8), PadAll(1)) }, CodeRank},

		{"same", func() (Shape, error) { return Same(S(8)) }, "[8]"},
		{"norm", func() (Shape, error) { return Norm("batchnorm", S(8, 2, 2), 1e-5) }, "[8 2 2]"},
		{"norm eps", func() (Shape, error) { return Norm("batchnorm", S(8, 2, 2), -1) }, CodeAttr},
		{"norm eps NaN", func() (Shape, error) { return Norm("batchnorm", S(8, 2, 2), math.NaN()) }, CodeAttr},
		{"lrn", func() (Shape, error) { return LRN(S(96, 27, 27), 5) }, "[96 27 27]"},
		{"lrn size", func() (Shape, error) { return LRN(S(96, 27, 27), 0) }, CodeAttr},
		{"lrn on vector", func() (Shape, error) { return LRN(S(96), 5) }, CodeRank},
		{"upsample", func() (Shape, error) { return Upsample(S(8, 5, 7), Size{2, 3}) }, "[8 10 21]"},
		{"upsample by 0", func() (Shape, error) { return Upsample(S(8, 5, 7), Size{2, 0}) }, CodeAttr},
		{"upsample a vector", func() (Shape, error) { return Upsample(S(8), Size{2, 2}) }, CodeRank},
		{"upsample too far", func() (Shape, error) { return Upsample(S(8, 5, 7), Square(MaxAxis)) }, CodeLimit},
		{"grn", func() (Shape, error) { return GRN(S(96, 27, 27), 1e-6) }, "[96 27 27]"},
		{"grn eps", func() (Shape, error) { return GRN(S(96, 27, 27), -1) }, CodeAttr},
		{"grn on vector", func() (Shape, error) { return GRN(S(96), 1e-6) }, CodeRank},
		{"dropout", func() (Shape, error) { return Dropout("dropout", S(96), 0.5) }, "[96]"},
		{"dropout p", func() (Shape, error) { return Dropout("dropout", S(96), 1.5) }, CodeAttr},

		{"add", func() (Shape, error) { return Add(S(8, 2, 2), S(8, 2, 2), S(8, 2, 2)) }, "[8 2 2]"},
		{"add third", func() (Shape, error) { return Add(S(8, 2, 2), S(8, 2, 2), S(8, 2, 1)) }, CodeAdd},
		{"add broadcast", func() (Shape, error) { return Add(S(8, 2, 2), S(8, 1, 1)) }, CodeAdd},
		{"mul", func() (Shape, error) { return Mul(S(8), S(8)) }, "[8]"},
		{"mul gate", func() (Shape, error) { return Mul(S(8, 2, 2), S(8, 1, 1)) }, "[8 2 2]"},
		{"mul gate first", func() (Shape, error) { return Mul(S(8, 1, 1), S(8, 2, 2)) }, "[8 2 2]"},
		{"mul vector", func() (Shape, error) { return Mul(S(8, 2, 2), S(8)) }, CodeMul},
		{"mul channels", func() (Shape, error) { return Mul(S(8, 2, 2), S(4, 1, 1)) }, CodeMul},
		{"mul row", func() (Shape, error) { return Mul(S(8, 2, 2), S(8, 1, 2)) }, CodeMul},

		{"concat", func() (Shape, error) { return Concat(S(8, 2, 3), S(4, 2, 3), S(1, 2, 3)) }, "[13 2 3]"},
		{"concat one", func() (Shape, error) { return Concat(S(8, 2, 3)) }, "[8 2 3]"},
		{"concat vectors", func() (Shape, error) { return Concat(S(8), S(4)) }, "[12]"},
		{"concat sizes", func() (Shape, error) { return Concat(S(8, 2, 3), S(8, 2, 2)) }, CodeConcat},
		{"concat map and vector", func() (Shape, error) { return Concat(S(8, 1, 1), S(8)) }, CodeConcat},
		{"concat huge", func() (Shape, error) { return Concat(S(MaxAxis), S(1)) }, CodeLimit},
		{"concat huge together", func() (Shape, error) { return Concat(S(1, 1<<15, 1<<15), S(1, 1<<15, 1<<15)) }, CodeLimit},
		{"slice", func() (Shape, error) { return Slice(S(8, 2, 3), 2, 8) }, "[6 2 3]"},
		{"slice empty", func() (Shape, error) { return Slice(S(8, 2, 3), 2, 2) }, CodeChannels},
		{"slice beyond", func() (Shape, error) { return Slice(S(8, 2, 3), 2, 9) }, CodeChannels},
		{"slice before", func() (Shape, error) { return Slice(S(8, 2, 3), -1, 2) }, CodeChannels},
		{"pick", func() (Shape, error) { return Pick(S(6, 2, 3), []int{5, 0, 0}) }, "[3 2 3]"},
		{"pick none", func() (Shape, error) { return Pick(S(6, 2, 3), nil) }, CodeAttr},
		{"pick beyond", func() (Shape, error) { return Pick(S(6, 2, 3), []int{0, 6}) }, CodeChannels},
		{"pick before", func() (Shape, error) { return Pick(S(6, 2, 3), []int{-1}) }, CodeChannels},
		{"pick huge", func() (Shape, error) { return Pick(S(1, 1<<15, 1<<15), []int{0, 0}) }, CodeLimit},
		{"shuffle", func() (Shape, error) { return Shuffle(S(6, 2, 3), 3) }, "[6 2 3]"},
		{"shuffle groups", func() (Shape, error) { return Shuffle(S(6, 2, 3), 4) }, CodeGroups},
		{"shuffle no groups", func() (Shape, error) { return Shuffle(S(6, 2, 3), 0) }, CodeAttr},
		{"shuffle vector", func() (Shape, error) { return Shuffle(S(6), 3) }, CodeRank},
		{"flatten", func() (Shape, error) { return Flatten(S(512, 7, 7)) }, "[25088]"},
		{"flatten vector", func() (Shape, error) { return Flatten(S(512)) }, CodeRank},
		{"flatten huge", func() (Shape, error) { return Flatten(S(1, 1<<13, 1<<13)) }, CodeLimit},
		{"affine", func() (Shape, error) { return Affine(S(3, 2, 2), 1, 3) }, "[3 2 2]"},
		{"affine length", func() (Shape, error) { return Affine(S(3, 2, 2), 1, 2) }, CodeLength},
		{"affine none", func() (Shape, error) { return Affine(S(3, 2, 2), 0, 1) }, CodeLength},
		{"scale", func() (Shape, error) { return Scale(S(3, 2, 2), []int{3}) }, "[3 2 2]"},
		{"scale dims", func() (Shape, error) { return Scale(S(3, 2, 2), []int{3, 1, 1}) }, "[3 2 2]"},
		{"scale other dims", func() (Shape, error) { return Scale(S(3, 2, 2), []int{1, 3, 1}) }, CodeAttr},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.rule()
			got := s.String()
			if err != nil {
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("%v is a %T, not a *shape.Error", err, err)
				}
				if e.Summary == "" || e.Label == "" || e.Help == "" {
					t.Errorf("an empty part: %+v", e)
				}
				got = e.Code
			}
			if got != c.want {
				t.Errorf("got %v (%v), want %v", got, err, c.want)
			}
		})
	}
}

// TestSlide compares the closed form with a search for the last window that may
// stand, over every small axis.
func TestSlide(t *testing.T) {
	for n := 1; n <= 7; n++ {
		for kernel := 1; kernel <= 4; kernel++ {
			for stride := 1; stride <= 4; stride++ {
				for dilation := 1; dilation <= 2; dilation++ {
					for before := range 3 {
						for after := range 3 {
							field := dilation*(kernel-1) + 1
							room := n + before + after
							floor, ceil := int64(0), int64(0)
							for i := 0; i*stride+field <= room; i++ {
								floor++
							}
							// One more may hang over, by less than a stride,
							// unless it starts behind the input.
							for i := 0; i*stride+field < room+stride; i++ {
								if i*stride < n+before {
									ceil++
								}
							}
							at := fmt.Sprint(n, kernel, stride, dilation, before, after)
							if got := slide(n, kernel, stride, dilation, before, after, false); got != floor {
								t.Fatalf("floor %s: got %d, want %d", at, got, floor)
							}
							if max(before, after) > field/2 {
								continue // no pooling has this much
							}
							if got := slide(n, kernel, stride, dilation, before, after, true); got != ceil {
								t.Fatalf("ceil %s: got %d, want %d", at, got, ceil)
							}
						}
					}
				}
			}
		}
	}
}

// TestErrors reads the words of errors that users meet most.
func TestErrors(t *testing.T) {
	_, groups := Conv("conv", S(64, 8, 8), 63, k(1, 1, 0), 3)
	_, channels := Add(S(256, 28, 28), S(512, 28, 28))
	_, sizes := Add(S(256, 28, 28), S(256, 14, 14))
	_, rank := Linear(S(512, 7, 7), 10, false)
	_, concat := Concat(S(8, 2, 3), S(8, 2, 3), S(8, 2, 2))
	_, window := Conv("conv", S(3, 4, 4), 4, Window{Square(3), Square(1), Square(3), PadAll(1)}, 1)
	for _, c := range []struct {
		name string
		err  error
		want Error
	}{
		{"groups", groups, Error{
			Code:    CodeGroups,
			Summary: "conv: input has 64 channels, groups = 3 does not divide them",
			Label:   "64 is not a multiple of 3",
			Help:    "choose groups among the divisors of 64, or make the channels a multiple of 3",
			Attr:    "groups", Arg: -1,
		}},
		{"channels", channels, Error{
			Code:    CodeAdd,
			Summary: "add needs equal shapes: one side is [256 28 28], the other [512 28 28]",
			Label:   "channels differ: 256 and 512",
			Help:    "give both sides 256 channels, with a 1x1 conv on the shortcut if it is one",
			Arg:     1,
		}},
		{"sizes", sizes, Error{
			Code:    CodeAdd,
			Summary: "add needs equal shapes: one side is [256 28 28], the other [256 14 14]",
			Label:   "sizes differ: 28x28 and 14x14",
			Help:    "use the same strides and paddings on both sides",
			Arg:     1,
		}},
		{"rank", rank, Error{
			Code:    CodeRank,
			Summary: "linear needs a vector [features], its input is [512 7 7]",
			Label:   "gets [512 7 7] here",
			Help:    "put flatten before linear",
		}},
		{"concat", concat, Error{
			Code:    CodeConcat,
			Summary: "concat needs maps of one height and width: the first argument is [8 2 3], argument 3 is [8 2 2]",
			Label:   "sizes differ: 2x3 and 2x2",
			Help:    "use the same strides and paddings in every branch",
			Arg:     2,
		}},
		{"window", window, Error{
			Code:    CodeWindow,
			Summary: "conv: a window of 7x7 does not fit into the input [3 4 4] with padding 1",
			Label:   "input is 4x4 here",
			Help:    "use a smaller kernel, more padding, fewer strides before it, or a larger input",
			Attr:    "kernel",
		}},
	} {
		if diff := cmp.Diff(&c.want, c.err); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
