package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/onnx/internal/pb"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// builder makes the graph. It hands out the names of tensors, of which there
// is one space: the network's inputs and outputs keep theirs, checkpoint keys
// come next, and whatever comes after a name is taken gets another.
type builder struct {
	g       *ir.Graph
	weights runtime.Tensors
	graph   *pb.GraphProto

	tensors []string          // by ID: the tensor that holds the value
	outs    map[ir.ID]string  // values that are outputs: the (first) output's name
	keys    map[string]string // by checkpoint key: the name reserved for it, until it is used
	shared  map[string]string // initializers that several nodes may read
	taken   map[string]bool

	err error // the first one; what is built after it is not looked at
}

func newBuilder(g *ir.Graph, weights runtime.Tensors) *builder {
	b := &builder{
		g: g, weights: weights,
		graph:   &pb.GraphProto{Name: proto.String(g.Name)},
		tensors: make([]string, len(g.Values)),
		outs:    map[ir.ID]string{}, keys: map[string]string{}, shared: map[string]string{}, taken: map[string]bool{},
	}
	if g.Source != "" {
		b.graph.DocString = proto.String(g.Source)
	}
	for _, v := range g.Inputs() {
		b.tensors[v.ID] = v.Name
		b.taken[v.Name] = true
	}
	for _, o := range g.Outputs {
		b.taken[o.Name] = true
		if _, ok := b.outs[o.Value]; !ok && g.Value(o.Value).Op != ir.OpInput {
			b.outs[o.Value] = o.Name
		}
	}
	for _, p := range ir.Params(g) {
		b.keys[p.Key] = b.unique(p.Key)
	}
	return b
}

// unique returns name, or name/2 and so on where that is taken.
func (b *builder) unique(name string) string {
	free := name
	for n := 2; b.taken[free]; n++ {
		free = name + "/" + strconv.Itoa(n)
	}
	b.taken[free] = true
	return free
}

// value adds the nodes that compute v.
func (b *builder) value(v *ir.Value) error {
	l := &layer{builder: b, v: v, in: b.g.ArgShapes(v)}
	for _, a := range v.Args {
		l.args = append(l.args, b.tensors[a])
	}
	export := exporters[v.Op]
	if v.Op.Info().Activation {
		export = activation
	}
	if export == nil {
		return fmt.Errorf("ONNX has no node for %v yet", v.Op)
	}
	export(l)
	if b.err != nil {
		return b.err
	}
	name, isOutput := b.outs[v.ID]
	if !isOutput {
		name = b.unique(v.Name)
		b.graph.ValueInfo = append(b.graph.ValueInfo, valueInfo(name, v.Shape))
	}
	last := b.graph.Node[len(b.graph.Node)-1]
	last.Name, last.Output = proto.String(v.Name), []string{name}
	b.tensors[v.ID] = name
	return nil
}

// outputs lists the network's results. One that is an input, or another output
// too, takes a node to get its name.
func (b *builder) outputs() {
	for _, o := range b.g.Outputs {
		b.graph.Output = append(b.graph.Output, valueInfo(o.Name, b.g.Value(o.Value).Shape))
		if from := b.tensors[o.Value]; from != o.Name {
			b.graph.Node = append(b.graph.Node, &pb.NodeProto{
				Name: proto.String(o.Name + "/Identity"), OpType: proto.String("Identity"),
				Input: []string{from}, Output: []string{o.Name},
			})
		}
	}
}

// layer is one value while its nodes are made. The last node made is the one
// that computes the value.
type layer struct {
	*builder
	v    *ir.Value
	args []string // tensors
	in   []shape.Shape
}

// node adds a node and returns its result.
func (l *layer) node(op string, as attrs, inputs ...string) string {
	name := l.unique(l.v.Name + "/" + op)
	l.graph.Node = append(l.graph.Node, &pb.NodeProto{
		Name: proto.String(name), OpType: proto.String(op),
		Input: inputs, Output: []string{name}, Attribute: as,
	})
	return name
}

type attrs []*pb.AttributeProto

func ints(name string, values ...int) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INTS.Enum(), Ints: widen(values)}
}

func integer(name string, value int) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INT.Enum(), I: proto.Int64(int64(value))}
}

func float(name string, value float64) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_FLOAT.Enum(), F: proto.Float32(float32(value))}
}

func widen(values []int) []int64 {
	wide := make([]int64, len(values))
	for i, v := range values {
		wide[i] = int64(v)
	}
	return wide
}

// floats adds an initializer of that name, or one like it, and returns its name.
func (b *builder) floats(name string, dims []int, data []float32) string {
	raw := make([]byte, 0, 4*len(data))
	for _, x := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return b.initializer(name, pb.TensorProto_FLOAT, dims, raw)
}

// integers adds an initializer with a list of numbers.
func (b *builder) integers(name string, values ...int) string {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return b.initializer(name, pb.TensorProto_INT64, []int{len(values)}, raw)
}

func (b *builder) initializer(name string, t pb.TensorProto_DataType, dims []int, raw []byte) string {
	if reserved, ok := b.keys[name]; ok {
		delete(b.keys, name)
		name = reserved
	} else {
		name = b.unique(name)
	}
	b.graph.Initializer = append(b.graph.Initializer, &pb.TensorProto{
		Name: proto.String(name), DataType: proto.Int32(int32(t)), Dims: widen(dims), RawData: raw,
	})
	return name
}

// scalar returns an initializer of one number, for all nodes that need it.
func (b *builder) scalar(x float64) string {
	name := "constant/" + strconv.FormatFloat(x, 'g', -1, 32)
	if _, ok := b.shared[name]; !ok {
		b.shared[name] = b.floats(name, nil, []float32{float32(x)})
	}
	return b.shared[name]
}

// tensor returns an initializer with a checkpoint's tensor in a shape of as many
// elements.
func (b *builder) tensor(key string, dims ...int) string {
	id := fmt.Sprint(key, dims)
	if _, ok := b.shared[id]; !ok {
		b.shared[id] = b.floats(key, dims, b.read(key, dims...))
	}
	return b.shared[id]
}

// read returns a checkpoint's tensor, which is not to be changed; zeros if it
// cannot be read.
func (b *builder) read(key string, dims ...int) []float32 {
	n := 1
	for _, d := range dims {
		n *= d
	}
	data, err := b.weights.Read(key)
	if err == nil && len(data) != n {
		err = fmt.Errorf("%d values instead of %d", len(data), n)
	}
	if err != nil {
		if b.err == nil {
			b.err = fmt.Errorf("%s: %w", key, err)
		}
		return make([]float32, n)
	}
	return data
}
