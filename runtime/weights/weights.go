// Package weights reads checkpoints: named tensors of trained parameters.
//
// Files are taken to be hostile: everything in a header is checked before memory is
// allocated for it or the data looked at, and a broken file is an error, never a panic.
// The pickles of torch.save are read as data; what they would call is not executed.
package weights

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tensor is one tensor of a checkpoint, as PyTorch lays it out.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Tensors is a checkpoint. Implementations must be safe to read from several goroutines.
type Tensors interface {
	// Keys lists what there is, in the file's order.
	Keys() []string
	// Shape returns a tensor's shape without reading its data.
	Shape(key string) (shape []int, ok bool)
	// Read returns a tensor's data, converted to float32. The caller must not
	// change it: it may be the file itself.
	Read(key string) ([]float32, error)
}

// Dropper is a checkpoint that can give back the memory of data that Read returned. It
// can still be read, but that takes longer.
type Dropper interface{ Drop(data []float32) }

// Map is a checkpoint in memory. Its keys are listed in alphabetical order.
type Map map[string]Tensor

// Keys lists the tensors.
func (m Map) Keys() []string { return slices.Sorted(maps.Keys(m)) }

// Shape returns a tensor's shape.
func (m Map) Shape(key string) (shape []int, ok bool) {
	t, ok := m[key]
	return t.Shape, ok
}

// Read returns a tensor's data.
func (m Map) Read(key string) ([]float32, error) {
	t, ok := m[key]
	if !ok {
		return nil, errNoTensor(key)
	}
	return t.Data, nil
}

// Rename returns t with each key replaced by what name makes of it; keys for which that
// is "" are left out. It is an error if two keys get the same name.
func Rename(t Tensors, name func(key string) string) (Tensors, error) {
	r := &renamed{Tensors: t, old: make(map[string]string)}
	for _, key := range t.Keys() {
		to := name(key)
		if to == "" {
			continue
		}
		if other, ok := r.old[to]; ok {
			return nil, fmt.Errorf("weights: both %s and %s would become %s", quote(other), quote(key), quote(to))
		}
		r.old[to] = key
		r.keys = append(r.keys, to)
	}
	return r, nil
}

// StripPrefix returns t without the prefix on those keys that have it, such as the
// "module." that PyTorch's parallel training adds.
func StripPrefix(t Tensors, prefix string) (Tensors, error) {
	return Rename(t, func(key string) string { return strings.TrimPrefix(key, prefix) })
}

// renamed is Tensors under other names.
type renamed struct {
	Tensors
	keys []string
	old  map[string]string // by new name
}

func (r *renamed) Keys() []string { return r.keys }

func (r *renamed) Shape(key string) (shape []int, ok bool) {
	old, ok := r.old[key]
	if !ok {
		return nil, false
	}
	return r.Tensors.Shape(old)
}

func (r *renamed) Read(key string) ([]float32, error) {
	old, ok := r.old[key]
	if !ok {
		return nil, errNoTensor(key)
	}
	return r.Tensors.Read(old)
}

// Drop passes on what is dropped.
func (r *renamed) Drop(data []float32) {
	if d, ok := r.Tensors.(Dropper); ok {
		d.Drop(data)
	}
}

func errNoTensor(key string) error { return fmt.Errorf("weights: no tensor %s", quote(key)) }

// quote makes a key, which may be anything, fit to print.
func quote(key string) string {
	const most = 100
	if len(key) > most {
		return fmt.Sprintf("%q...", key[:most])
	}
	return fmt.Sprintf("%q", key)
}
