package draw

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// signature describes what an item computes, but not the size of what comes in
// and not the names. Without exact, sizes, strides and the kind of activation
// are left out, too: what remains is the structure, the same for all blocks of
// a kind.
func (it *item) signature(exact bool) string {
	var b strings.Builder
	if it.units != nil {
		fmt.Fprintf(&b, "%d*", len(it.units))
	}
	if it.op != nil {
		b.WriteString(opSignature(it.op, it.in, exact))
	} else {
		b.WriteString(it.block + "{")
		at := producers(it.body)
		for _, inner := range it.body {
			b.WriteString(inner.signature(exact))
			for _, a := range inner.args {
				if p, ok := at[a]; ok {
					fmt.Fprintf(&b, " %d", p)
				} else {
					b.WriteString(" in")
				}
			}
			b.WriteByte(';')
		}
		b.WriteByte('}')
	}
	if it.pick != nil {
		b.WriteString("<pick")
	}
	for _, v := range it.tail {
		b.WriteString("+" + opSignature(v, nil, exact))
	}
	return b.String()
}

func opSignature(v *ir.Value, in shape.Shape, exact bool) string {
	name := v.Op.String()
	if v.Op.Info().Activation && !exact {
		return "act"
	}
	switch a := v.Attr.(type) {
	case *ir.Conv:
		name += " " + string(classOf(a, in))
		if exact {
			name += fmt.Sprint(a.Out, a.Kernel, a.Stride, a.Dilation)
			if classOf(a, in) == grouped {
				name += fmt.Sprint(" g", a.Groups)
			}
		}
	case *ir.Linear:
		if exact {
			name += fmt.Sprint(a.Out, " ", in.Elems()) // most of its weights are for what comes in
		}
	case *ir.Pool:
		if exact {
			name += fmt.Sprint(a.Kernel, a.Stride, a.Ceil)
		}
	}
	return name
}
