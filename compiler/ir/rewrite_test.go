package ir_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// fuse is a pass of every kind of step: it drops dropout, absorbs norms and
// activations into the convolution before them, and norms into the one after.
func fuse(r *ir.Rewriter, v *ir.Value) error {
	if v.Op.Info().Identity {
		r.Replace(v, r.Arg(v, 0))
		return nil
	}
	if len(v.Args) != 1 || !r.Sole(v, 0) {
		return nil
	}
	arg := r.Arg(v, 0)
	if conv, ok := v.Attr.(*ir.Conv); ok {
		if n, ok := ir.NormOf(arg); ok {
			c := *conv
			c.Before = []ir.Norm{n}
			return r.Fuse(v, arg, v, &c, arg.Args...)
		}
		return nil
	}
	conv, ok := arg.Attr.(*ir.Conv)
	if !ok || conv.Act != (ir.Act{}) {
		return nil
	}
	c := *conv
	if n, ok := ir.NormOf(v); ok {
		c.After = append(slices.Clip(c.After), n)
	} else if a, ok := ir.ActOf(v); ok {
		c.Act = a
	} else {
		return nil
	}
	return r.Fuse(v, arg, arg, &c, arg.Args...)
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{
			name: "chain",
			in: `graph g "s.cnn"
label "cat"
%unused = input : [1]
%x = input : [4 8 8]
%bn0 = batchnorm %x weights=bn0
%conv = conv %bn0 out=4 k=1 weights=conv # 5:1-5:9
%bn1 = batchnorm %conv weights=bn1       # 6:1-6:9
%drop = dropout %bn1
%relu = relu %drop                       # 8:1-8:9
%dead = sigmoid %relu
%last = dropout %relu
output y = %last
scope first = %conv
scope second = %bn1
scope third = block %relu
scope fourth = %last
scope dead = %dead
`,
			// A scope follows its value; of fused ones only the last is left.
			out: `graph g "s.cnn"
  label "cat"
  %unused = input : [1]
  %x = input : [4 8 8]
  %conv = conv %x out=4 k=1 weights=conv before=[batchnorm{weights=bn0}] after=[batchnorm{weights=bn1}] act=relu covers=[bn0 conv bn1 relu] : [4 8 8]   # 5:1-5:9
  output y = %conv
  scope third = block %conv
  scope fourth = %conv
`,
		},
		{
			name: "read twice",
			in: `graph g
%x = input : [4 8 8]
%conv = conv %x out=4 k=1 weights=conv
%bn1 = batchnorm %conv weights=bn1
%relu = relu %conv
%sum = add %bn1 %relu
output y = %sum
`,
			out: `graph g
  %x = input : [4 8 8]
  %conv = conv %x out=4 k=1 weights=conv : [4 8 8]
  %bn1 = batchnorm %conv weights=bn1 : [4 8 8]
  %relu = relu %conv : [4 8 8]
  %sum = add %bn1 %relu : [4 8 8]
  output y = %sum
`,
		},
		{
			name: "read twice through an identity",
			in: `graph g
%x = input : [4 8 8]
%conv = conv %x out=4 k=1 weights=conv
%drop = dropout %conv
%relu = relu %drop
%sum = add %conv %relu
output y = %sum
`,
			out: `graph g
  %x = input : [4 8 8]
  %conv = conv %x out=4 k=1 weights=conv : [4 8 8]
  %relu = relu %conv : [4 8 8]
  %sum = add %conv %relu : [4 8 8]
  output y = %sum
`,
		},
		{
			name: "an output",
			in: `graph g
%x = input : [4 8 8]
%conv = conv %x out=4 k=1 weights=conv
%relu = relu %conv
output features = %conv
output y = %relu
`,
			out: `graph g
  %x = input : [4 8 8]
  %conv = conv %x out=4 k=1 weights=conv : [4 8 8]
  %relu = relu %conv : [4 8 8]
  output features = %conv
  output y = %relu
`,
		},
		{
			name: "a reader that is dead",
			in: `graph g
%x = input : [4 8 8]
%conv = conv %x out=4 k=1 weights=conv
%dead = sigmoid %conv
%relu = relu %conv
output y = %relu
`,
			out: `graph g
  %x = input : [4 8 8]
  %conv = conv %x out=4 k=1 weights=conv act=relu covers=[conv relu] : [4 8 8]
  output y = %conv
`,
		},
		{
			name: "a norm that two read",
			in: `graph g
%x = input : [4 8 8]
%bn = batchnorm %x weights=bn
%a = conv %bn out=4 k=1 weights=a
%b = conv %bn out=4 k=1 weights=b
%sum = add %a %b
output y = %sum
`,
			out: `graph g
  %x = input : [4 8 8]
  %bn = batchnorm %x weights=bn : [4 8 8]
  %a = conv %bn out=4 k=1 weights=a : [4 8 8]
  %b = conv %bn out=4 k=1 weights=b : [4 8 8]
  %sum = add %a %b : [4 8 8]
  output y = %sum
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parse(t, c.in)
			before := ir.Print(g)
			out, err := ir.Rewrite(g, fuse)
			if err != nil {
				t.Fatal(err)
			}
			if err := ir.Verify(out); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.out, ir.Print(out)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(before, ir.Print(g)); diff != "" {
				t.Errorf("Rewrite changed the old graph:\n%s", diff)
			}
		})
	}
}

// TestRewriteError emits a value that breaks its shape rule.
func TestRewriteError(t *testing.T) {
	g := parse(t, "graph g\n%x = input : [4 8 8]\n%y = relu %x\noutput y = %y\n")
	_, err := ir.Rewrite(g, func(r *ir.Rewriter, v *ir.Value) error {
		_, err := r.Emit(ir.Value{Name: "z", Op: ir.OpShuffle, Attr: &ir.Shuffle{Groups: 3}, Args: []ir.ID{0}})
		return err
	})
	const want = "%z: shuffle: input has 4 channels, groups = 3 does not divide them [SHAPE002]"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCompact(t *testing.T) {
	for name, text := range graphs(t) {
		g := parse(t, text)
		if err := ir.Verify(ir.Compact(g)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
