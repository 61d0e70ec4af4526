package driver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/picture"
)

// IsPicture reports whether a file's name is that of a picture.
func IsPicture(path string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(filepath.Ext(path)))
}

// ReadPicture makes an input of a picture.
func ReadPicture(path string, p runtime.Preprocess) (runtime.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return runtime.Tensor{}, err
	}
	defer f.Close()
	img, err := picture.Read(f)
	if err != nil {
		return runtime.Tensor{}, fmt.Errorf("%s: %w", path, err)
	}
	data, err := picture.Input(img, p)
	if err != nil {
		return runtime.Tensor{}, fmt.Errorf("%s: %w", path, err)
	}
	return runtime.Tensor{Shape: []int{len(p.Mean), p.Crop.H, p.Crop.W}, Data: data}, nil
}
