package onnx_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/onnx/internal/pb"
	"github.com/cnnc-dev/cnnc/dsl/dsltest"
)

// TestGolden compares models, as text, with CASE.model in testdata/*.txtar, beside
// CASE.ir.
func TestGolden(t *testing.T) {
	producers := map[string]dsltest.Producer{}
	for _, name := range []string{"plain", "folded", "norms", "pools", "activations", "channels", "names", "parts"} {
		producers[name+".model"] = func(t *testing.T, a dsltest.Archive) []byte {
			g := parse(t, string(a.File(t, name+".ir")))
			return []byte(text(export(t, g, weightsOf(g))))
		}
	}
	dsltest.Archives(t, "testdata", ".ir", producers)
}

// text writes a model for people.
func text(m *pb.ModelProto) string {
	var b strings.Builder
	g := m.Graph
	fmt.Fprintf(&b, "%s: IR version %d, opset %d\ngraph %s %q\n", m.GetProducerName(), m.GetIrVersion(), m.OpsetImport[0].GetVersion(), g.GetName(), g.GetDocString())
	values := func(kind string, infos []*pb.ValueInfoProto) {
		for _, v := range infos {
			fmt.Fprintf(&b, "%s %s %s\n", kind, v.GetName(), typeText(v))
		}
	}
	values("input", g.Input)
	for _, n := range g.Node {
		fmt.Fprintf(&b, "%s: %s = %s(%s)", n.GetName(), strings.Join(n.Output, ", "), n.GetOpType(), strings.Join(n.Input, ", "))
		for _, a := range n.Attribute {
			fmt.Fprintf(&b, " %s=%s", a.GetName(), attrText(a))
		}
		b.WriteByte('\n')
	}
	values("output", g.Output)
	values("value", g.ValueInfo)
	for _, i := range g.Initializer {
		fmt.Fprintf(&b, "initializer %s %s%v%s\n", i.GetName(), pb.TensorProto_DataType(i.GetDataType()), i.Dims, dataText(i))
	}
	return b.String()
}

func typeText(v *pb.ValueInfoProto) string {
	t := v.Type.GetTensorType()
	var dims []string
	for _, d := range t.Shape.Dim {
		if p := d.GetDimParam(); p != "" {
			dims = append(dims, p)
		} else {
			dims = append(dims, fmt.Sprint(d.GetDimValue()))
		}
	}
	return fmt.Sprintf("%s[%s]", pb.TensorProto_DataType(t.GetElemType()), strings.Join(dims, " "))
}

func attrText(a *pb.AttributeProto) string {
	switch a.GetType() {
	case pb.AttributeProto_INT:
		return fmt.Sprint(a.GetI())
	case pb.AttributeProto_FLOAT:
		return fmt.Sprint(a.GetF())
	case pb.AttributeProto_INTS:
		return fmt.Sprint(a.Ints)
	}
	return a.GetType().String()
}

// dataText shows short initializers, those of layers excepted, which are random.
func dataText(i *pb.TensorProto) string {
	var values []string
	raw := i.RawData
	switch pb.TensorProto_DataType(i.GetDataType()) {
	case pb.TensorProto_FLOAT:
		for ; len(raw) >= 4; raw = raw[4:] {
			values = append(values, fmt.Sprint(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		}
	case pb.TensorProto_INT64:
		for ; len(raw) >= 8; raw = raw[8:] {
			values = append(values, fmt.Sprint(int64(binary.LittleEndian.Uint64(raw))))
		}
	}
	if len(values) > 20 || !strings.Contains(i.GetName(), "/") {
		return fmt.Sprintf(" of %d bytes", len(i.RawData))
	}
	return " = " + strings.Join(values, " ")
}
