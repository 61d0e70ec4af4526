package runtime

import "github.com/cnnc-dev/cnnc/runtime/weights"

// Checkpoints as emitted code names them.

type (
	// Tensor is one tensor of a checkpoint, as PyTorch lays it out.
	Tensor = weights.Tensor
	// Tensors is a checkpoint.
	Tensors = weights.Tensors
)

// OpenWeights opens a safetensors file or one of torch.save, to be closed when its layers are packed.
func OpenWeights(path string) (*weights.File, error) { return weights.Open(path) }
