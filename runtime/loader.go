package runtime

// Tensor is one tensor of a checkpoint, as PyTorch lays it out.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Tensors is a checkpoint: named tensors. Implementations must be safe to read
// from several goroutines.
type Tensors interface {
	// Keys lists what there is, in the file's order.
	Keys() []string
	// Shape returns a tensor's shape without reading its data.
	Shape(key string) (shape []int, ok bool)
	// Read returns a tensor's data, converted to float32. The caller must not
	// change it: it may be the file itself.
	Read(key string) ([]float32, error)
}
