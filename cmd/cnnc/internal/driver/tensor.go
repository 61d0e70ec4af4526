package driver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbinet/npyio/npy"

	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

// ReadTensor reads a float tensor from a .npy file, or the one named key from a
// .safetensors file.
func ReadTensor(path, key string) (runtime.Tensor, error) {
	switch filepath.Ext(path) {
	case ".npy":
		return readNPY(path)
	case ".safetensors":
		f, err := weights.Open(path)
		if err != nil {
			return runtime.Tensor{}, err
		}
		defer f.Close()
		shape, ok := f.Shape(key)
		if !ok {
			return runtime.Tensor{}, fmt.Errorf("%s has no tensor %s; it has %s", path, key, some(f.Keys()))
		}
		data, err := f.Read(key)
		// The data may be the mapped file, which is closed here.
		return runtime.Tensor{Shape: shape, Data: slices.Clone(data)}, err
	}
	return runtime.Tensor{}, fmt.Errorf("%s: tensors are read from .npy and .safetensors files, pictures from .jpg and .png", path)
}

// some lists the first of many names.
func some(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func readNPY(path string) (t runtime.Tensor, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	r, err := npy.NewReader(f)
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	d := r.Header.Descr
	if d.Fortran {
		return t, fmt.Errorf("%s: the array is in Fortran order; save numpy.ascontiguousarray of it", path)
	}
	// The header may ask for more than the file holds: look before allocating.
	n := int64(1)
	for _, dim := range d.Shape {
		if dim < 0 || dim > 0 && n > info.Size()/int64(dim) {
			return t, fmt.Errorf("%s: shape %v does not fit a file of %d bytes", path, d.Shape, info.Size())
		}
		n *= int64(dim)
	}
	t.Shape = d.Shape
	switch d.Type {
	case "<f4":
		t.Data = make([]float32, n)
		err = r.Read(&t.Data)
	case "<f8":
		wide := make([]float64, n)
		if err = r.Read(&wide); err == nil {
			t.Data = make([]float32, n)
			for i, v := range wide {
				t.Data[i] = float32(v)
			}
		}
	default:
		return t, fmt.Errorf("%s: values are %s; save float32", path, d.Type)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// OpenWeights opens a checkpoint whose tensors' names lose a prefix, if they have it.
func OpenWeights(path, prefix string) (tensors weights.Tensors, closeFile func() error, err error) {
	file, err := weights.Open(path)
	if err != nil {
		return nil, nil, err
	}
	tensors, err = weights.StripPrefix(file, prefix)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensors, file.Close, nil
}

// WriteTensors writes named tensors to a .safetensors file.
func WriteTensors(path string, tensors weights.Map) error {
	if filepath.Ext(path) != ".safetensors" {
		return Usagef("%s: outputs are written to .safetensors files", path)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, tensors); err != nil {
		return err
	}
	return WriteFile(path, b.Bytes())
}
