// Package onnx writes networks as ONNX models, float32, opset 17: the door to
// ONNX Runtime, Netron and whatever else reads them.
//
// What is written is the graph as it is given. After drop-identities, batch
// normalisation stands in nodes of its own and every initializer is a tensor of
// the checkpoint; after fold-batchnorm-forward, it is in the weights. A convolution
// of parts becomes its parts again.
package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/onnx/internal/pb"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

const (
	opset     = 17
	irVersion = 8 // of the file format: the one that opset 17 came with
	batchAxis = "N"

	// maxBytes is as much as readers of protocol buffers take. Larger models keep
	// their weights in files of their own.
	maxBytes = math.MaxInt32
)

// Export returns g, which must be valid (see ir.Verify), as the bytes of a .onnx
// file. Inputs and outputs have g's names and a batch axis of any length, N, in
// front. Nodes are named as g's values; a value that takes several nodes
// gives its name to the last, and to the others with a slash behind it.
// Initializers are named by their keys in the checkpoint. The error lists all
// tensors that are missing, unexpected or of the wrong shape.
func Export(g *ir.Graph, weights runtime.Tensors) ([]byte, error) {
	m, err := model(g, weights)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

func model(g *ir.Graph, weights runtime.Tensors) (*pb.ModelProto, error) {
	if err := checkSize(4 * (ir.ParamCount(g) + ir.BufferCount(g))); err != nil {
		return nil, err // before anything is read
	}
	if err := checkWeights(g, weights); err != nil {
		return nil, err
	}
	b := newBuilder(g, weights)
	for _, v := range g.Values {
		if v.Op == ir.OpInput {
			b.graph.Input = append(b.graph.Input, valueInfo(v.Name, v.Shape))
			continue
		}
		if err := b.value(v); err != nil {
			return nil, fmt.Errorf("%%%s: %w", v.Name, err)
		}
	}
	b.outputs()
	m := &pb.ModelProto{
		IrVersion:    proto.Int64(irVersion),
		OpsetImport:  []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(opset)}},
		ProducerName: proto.String("cnnc"),
		Graph:        b.graph,
	}
	return m, checkSize(int64(proto.Size(m)))
}

func checkSize(bytes int64) error {
	if bytes > maxBytes {
		return fmt.Errorf("the model is too large for one ONNX file: it would have %d bytes, the limit is %d", bytes, int64(maxBytes))
	}
	return nil
}

// checkWeights returns one error about all tensors that do not fit.
func checkWeights(g *ir.Graph, weights runtime.Tensors) error {
	l := runtime.NewLoader(weights)
	for _, p := range ir.Params(g) {
		l.Expect(p.Key, p.Shape...)
	}
	return l.Err()
}

// valueInfo describes a tensor: its name, type and shape, with the batch.
func valueInfo(name string, s shape.Shape) *pb.ValueInfoProto {
	dims := []*pb.TensorShapeProto_Dimension{{Value: &pb.TensorShapeProto_Dimension_DimParam{DimParam: batchAxis}}}
	for _, d := range s {
		dims = append(dims, &pb.TensorShapeProto_Dimension{Value: &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	return &pb.ValueInfoProto{
		Name: proto.String(name),
		Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: &pb.TypeProto_Tensor{
			ElemType: proto.Int32(int32(pb.TensorProto_FLOAT)),
			Shape:    &pb.TensorShapeProto{Dim: dims},
		}}},
	}
}
