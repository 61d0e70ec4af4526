package passes

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// MergeConvs makes one convolution of several that read channels of one tensor and
// whose results are concatenated: LeNet-5's C3, of whose 16 maps each sees some of
// the 6 of S2. The merged one reads the whole tensor, and its weights are zeros
// where a branch does not look. A branch may end in norms, and in an activation if
// all have the same. Nothing else may read what a branch computed. Padding of the
// tensor, which several branches read, is then the merged one's.
func MergeConvs(g *ir.Graph) (*ir.Graph, error) {
	merged, err := mergeBranches(g)
	if err != nil {
		return nil, err
	}
	return PadIntoConv(merged)
}

var mergeBranches = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	if v.Op != ir.OpConcat {
		return nil
	}
	var args []ir.ID
	for i := 0; i < len(v.Args); {
		run := branches(r, v, i)
		if len(run) < 2 || !mergingPays(run) {
			args = append(args, r.Arg(v, i).ID)
			i++
			continue
		}
		merged := merge(run)
		i += len(run)
		if len(run) == len(v.Args) {
			merged.Name, merged.Covers = v.Name, append(merged.Covers, v.Name)
		}
		m, err := r.Emit(merged)
		if err != nil {
			return err
		}
		if len(run) == len(v.Args) {
			r.Replace(v, m)
			return nil
		}
		args = append(args, m.ID)
	}
	if len(args) == len(v.Args) {
		return nil
	}
	w := *v
	w.Args = args
	joined, err := r.Emit(w)
	if err != nil {
		return err
	}
	r.Replace(v, joined)
	return nil
})

// branch is a convolution of channels of a tensor, with what follows it.
type branch struct {
	conv   *ir.Value
	base   *ir.Value
	part   ir.ConvPart
	act    ir.Act
	covers []string
}

// branches returns the convolutions among v's arguments from i on that could be one,
// up to the first argument that could not.
func branches(r *ir.Rewriter, v *ir.Value, i int) []branch {
	var run []branch
	for ; i < len(v.Args); i++ {
		b, ok := branchOf(r, r.Arg(v, i))
		if !ok || len(run) > 0 && !run[0].goesWith(b) {
			break
		}
		run = append(run, b)
	}
	return run
}

// branchOf returns what v computes as a branch, if it is one: a convolution, norms,
// an activation, the latter two if there are any.
func branchOf(r *ir.Rewriter, v *ir.Value) (b branch, ok bool) {
	alone := true // nothing else reads any of it
	back := func() {
		alone = alone && r.ReadOnce(v)
		b.covers = slices.Concat(ir.Covered(v), b.covers)
		v = r.Value(v.Args[0])
	}
	if b.act, ok = ir.ActOf(v); ok {
		back()
	}
	for {
		norm, ok := ir.NormOf(v)
		if !ok {
			break
		}
		b.part.After = append([]ir.Norm{norm}, b.part.After...)
		back()
	}
	a, ok := v.Attr.(*ir.Conv)
	if !ok || a.Groups != 1 || a.Matrix || len(a.Parts) > 0 || len(a.Before) > 0 ||
		!a.ReadsPlain() || a.Residual || a.Act != (ir.Act{}) {
		return b, false
	}
	b.conv = v
	b.part.Weights, b.part.Out, b.part.After = a.Weights, a.Out, slices.Concat(a.After, b.part.After)
	back()
	b.base, b.part.Channels = whole(r, v)
	if b.base == v {
		b.part.Channels = nil
	}
	sorted := slices.Sorted(slices.Values(b.part.Channels))
	return b, alone && len(slices.Compact(sorted)) == len(b.part.Channels)
}

// whole returns the tensor of which v shows channels, and which.
func whole(r *ir.Rewriter, v *ir.Value) (*ir.Value, []int) {
	channels := upTo(v.Shape.Channels())
	for {
		var from []int // where the channels come from
		switch s := v.Attr.(type) {
		case *ir.Pick:
			from = s.Channels
		case *ir.Slice:
			from = upTo(s.To)[s.From:]
		default:
			return v, channels
		}
		for i, c := range channels {
			channels[i] = from[c]
		}
		v = r.Value(v.Args[0])
	}
}

// upTo returns 0 to n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// goesWith reports whether two branches differ in nothing but what they look at and
// their weights and norms.
func (b branch) goesWith(c branch) bool {
	p, q := b.conv.Attr.(*ir.Conv), c.conv.Attr.(*ir.Conv)
	return b.base == c.base && p.Kernel == q.Kernel && p.Stride == q.Stride && p.Dilation == q.Dilation &&
		p.Pad == q.Pad && p.Bias == q.Bias && b.act == c.act
}

// mergingPays reports whether the merged convolution takes no longer than its
// branches, which it does where they are narrower than the vectors of outputs that
// they are computed in, or overlap in what they look at.
func mergingPays(run []branch) bool {
	const vector = 16 // floats
	work := func(in, out int) int { return in * ((out + vector - 1) / vector) }
	in, apart, out := run[0].base.Shape.Channels(), 0, 0
	for _, b := range run {
		apart += work(b.part.Inputs(in), b.part.Out)
		out += b.part.Out
	}
	return work(in, out) <= apart
}

// merge returns the convolution that computes a run of branches.
func merge(run []branch) ir.Value {
	m := *run[0].conv
	a := *m.Attr.(*ir.Conv)
	a.Weights, a.Out, a.After, a.Act = "", 0, nil, run[0].act
	m.Args, m.Attr, m.Covers = []ir.ID{run[0].base.ID}, &a, nil
	for _, b := range run {
		a.Out += b.part.Out
		a.Parts = append(a.Parts, b.part)
		m.Covers = append(m.Covers, b.covers...)
	}
	return m
}
