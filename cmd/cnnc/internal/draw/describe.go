package draw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// convClass is what people call a convolution by its groups.
type convClass string

const (
	dense     convClass = "conv"
	grouped   convClass = "grouped conv"
	depthwise convClass = "depthwise conv"
)

func classOf(a *ir.Conv, in shape.Shape) convClass {
	switch a.Groups {
	case 1:
		return dense
	case in.Channels():
		return depthwise
	}
	return grouped
}

// kind returns the kind of the node that shows the item.
func (it *item) kind() Kind {
	if it.op == nil {
		return Block
	}
	switch a := it.op.Attr.(type) {
	case *ir.Conv:
		if classOf(a, it.in) == dense {
			return Conv
		}
		return Grouped
	case *ir.Linear:
		return Linear
	case *ir.Pool, *ir.AdaptivePool, *ir.GlobalPool:
		return Pool
	}
	switch op := it.op.Op; {
	case op == ir.OpInput:
		return Input
	case op == ir.OpAdd, op == ir.OpMul, op == ir.OpConcat:
		return Join
	case isSmall(op):
		return Small
	}
	return Other
}

// title names the operation of an item, over all places where the item stands in
// blocks of one kind: a kernel of 3×3/5×5 is one or the other.
func title(list []*item) string {
	it := list[0]
	if it.op == nil {
		return it.block
	}
	if isSmall(it.op.Op) {
		return smallText(list)
	}
	// each takes the alternatives of one attribute.
	each := func(get func(*item) string) string { return alternatives(list, get) }
	switch a := it.op.Attr.(type) {
	case *ir.Conv:
		class := classOf(a, it.in)
		text := comma(kernelOf(list)+" "+string(class), strideOf(list))
		if class == grouped {
			text = comma(text, each(func(it *item) string { return strconv.Itoa(it.op.Attr.(*ir.Conv).Groups) })+" groups")
		}
		if a.Dilation != shape.Square(1) {
			text = comma(text, "dilation "+each(func(it *item) string { return it.op.Attr.(*ir.Conv).Dilation.String() }))
		}
		return text
	case *ir.Linear:
		return "linear"
	case *ir.Pool:
		if it.op.Op == ir.OpMaxPool {
			return comma(kernelOf(list)+" max pool", strideOf(list))
		}
		return comma(kernelOf(list)+" average pool", strideOf(list))
	case *ir.AdaptivePool:
		return poolName(a.Max) + " to " + each(func(it *item) string { return by(it.op.Attr.(*ir.AdaptivePool).Out) })
	case *ir.GlobalPool:
		return "global " + poolName(a.Max)
	case *ir.Slice:
		return strings.TrimSpace("channels " + each(func(it *item) string {
			a := it.op.Attr.(*ir.Slice)
			return fmt.Sprintf("%d–%d", a.From, a.To-1)
		}))
	case *ir.Pick:
		return "some channels"
	case *ir.Shuffle:
		return comma("channel shuffle", each(func(it *item) string { return strconv.Itoa(it.op.Attr.(*ir.Shuffle).Groups) })+" groups")
	case *ir.Pad:
		return "zero padding"
	case *ir.Upsample:
		return "upsample ×" + each(func(it *item) string { return by(it.op.Attr.(*ir.Upsample).Scale) })
	}
	switch it.op.Op {
	case ir.OpAdd:
		return "+"
	case ir.OpMul:
		return "×"
	case ir.OpInput:
		return it.op.Name
	}
	return it.op.Op.String()
}

func poolName(maximum bool) string {
	if maximum {
		return "max pool"
	}
	return "average pool"
}

// detail names what follows the operation in place.
func detail(list []*item) string {
	it := list[0]
	pick := ""
	if it.pick != nil {
		pick = "of " + numbers(list, func(it *item) int { return it.pick.Shape.Channels() }) + " maps"
	}
	if it.op != nil && isSmall(it.op.Op) {
		return pick // the title has them
	}
	return dots(pick, smallText(list))
}

// small returns the small operations of an item: what it is, if it is one, and
// what follows in place.
func (it *item) small() []*ir.Value {
	if it.op != nil && isSmall(it.op.Op) {
		return append([]*ir.Value{it.op}, it.tail...)
	}
	return it.tail
}

// shorthand is what papers write in figures; "" for what is left out of them.
var shorthand = map[ir.Op]string{
	ir.OpBatchNorm: "BN", ir.OpLayerNorm: "LN", ir.OpLRN: "LRN", ir.OpGRN: "GRN", ir.OpReLU: "ReLU", ir.OpReLU6: "ReLU6",
	ir.OpLeakyReLU: "leaky ReLU", ir.OpSigmoid: "sigmoid", ir.OpTanh: "tanh", ir.OpSiLU: "SiLU",
	ir.OpHardSigmoid: "hard sigmoid", ir.OpHardSwish: "hard swish", ir.OpGELU: "GELU", ir.OpGELUTanh: "GELU (tanh)",
	ir.OpAffine: "affine", ir.OpScale: "scale", ir.OpSoftmax: "softmax", ir.OpDropout: "dropout",
	ir.OpFlatten: "", ir.OpDropPath: "",
}

// smallText names the small operations of items that have the same structure.
func smallText(list []*item) string {
	var text []string
	for i := range list[0].small() {
		text = append(text, alternatives(list, func(it *item) string { return shorthand[it.small()[i].Op] }))
	}
	return dots(text...)
}

// dots joins texts that aren't empty.
func dots(text ...string) string { return join(" · ", text) }

func comma(text ...string) string { return join(", ", text) }

func join(between string, text []string) string {
	return strings.Join(slices.DeleteFunc(text, func(s string) bool { return s == "" }), between)
}

// alternatives returns what an attribute is in the list: 3×3/5×5; "" if it is too
// many things.
func alternatives(list []*item, get func(*item) string) string {
	var found []string
	for _, it := range list {
		if s := get(it); !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	if len(found) > 3 {
		return ""
	}
	slices.Sort(found)
	return strings.Join(found, "/")
}

func by(s shape.Size) string { return fmt.Sprintf("%d×%d", s.H, s.W) }

// window returns the kernel and the stride of an operation that slides.
func window(it *item) (kernel, stride shape.Size, ok bool) {
	if it.op == nil {
		return
	}
	switch a := it.op.Attr.(type) {
	case *ir.Conv:
		return a.Kernel, a.Stride, true
	case *ir.Pool:
		return a.Kernel, a.Stride, true
	}
	return
}

// kernelOf returns the kernels that an item has in the list: 3×3/5×5.
func kernelOf(list []*item) string {
	return alternatives(list, func(it *item) string {
		if k, _, ok := window(it); ok {
			return by(k)
		}
		return ""
	})
}

// strideOf returns "/2" for a stride of 2, nothing for 1, "/s" if it varies.
func strideOf(list []*item) string {
	_, s, _ := window(list[0])
	for _, it := range list {
		if _, other, _ := window(it); other != s {
			return "/s"
		}
	}
	switch {
	case s.H <= 1 && s.W <= 1:
		return ""
	case s.H == s.W:
		return fmt.Sprintf("/%d", s.H)
	}
	return "/" + by(s)
}

// numbers returns the number that an item has, or the least and the most of a
// list: 3–6.
func numbers(list []*item, get func(*item) int) string {
	least, most := get(list[0]), get(list[0])
	for _, it := range list {
		least, most = min(least, get(it)), max(most, get(it))
	}
	if least == most {
		return strconv.Itoa(least)
	}
	return fmt.Sprintf("%d–%d", least, most)
}

// shapeText writes a shape as on the edges: 64 × 56 × 56.
func shapeText(s shape.Shape) string {
	var text []string
	for _, d := range s {
		text = append(text, strconv.Itoa(d))
	}
	return strings.Join(text, " × ")
}

// threeDigits writes a count with three digits that matter: 25.6 M; "" for 0.
func threeDigits(n int64) string {
	if n == 0 {
		return ""
	}
	x, unit := float64(n), ""
	for _, u := range []string{" k", " M", " G", " T"} {
		if x < 999.5 {
			break
		}
		x, unit = x/1000, u
	}
	switch {
	case unit == "" || x >= 99.95:
		return fmt.Sprintf("%.0f%s", x, unit)
	case x >= 9.995:
		return fmt.Sprintf("%.1f%s", x, unit)
	}
	return fmt.Sprintf("%.2f%s", x, unit)
}
