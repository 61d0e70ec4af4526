package driver

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"

	"github.com/cnnc-dev/cnnc/codegen"
)

// Change says what writing a file would do, or did.
type Change int

const (
	Same Change = iota
	New
	Differs
)

func (c Change) String() string { return [...]string{"unchanged", "new", "changed"}[c] }

// Compare says how files differ from what dir holds.
func Compare(dir string, files []codegen.File) ([]Change, error) {
	changes := make([]Change, len(files))
	for i, f := range files {
		old, err := os.ReadFile(filepath.Join(dir, f.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			changes[i] = New
		case err != nil:
			return nil, err
		case !bytes.Equal(old, f.Data):
			changes[i] = Differs
		}
	}
	return changes, nil
}

// Write puts files into dir, which it makes. A file whose bytes are right is
// left alone, so that build caches stay warm.
func Write(dir string, files []codegen.File) ([]Change, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	changes, err := Compare(dir, files)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if changes[i] == Same {
			continue
		}
		if err := WriteFile(filepath.Join(dir, f.Name), f.Data); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// WriteFile writes a file whole or not at all: through a temporary file beside
// it and a rename. Errors name the file itself.
func WriteFile(path string, data []byte) error {
	err := maybe.WriteFile(path, data, 0o666)
	var temporary *fs.PathError
	if errors.As(err, &temporary) {
		return &fs.PathError{Op: "write", Path: path, Err: temporary.Err}
	}
	return err
}
