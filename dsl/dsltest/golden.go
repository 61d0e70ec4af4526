// Package dsltest helps tests compare text with golden files and diagnostics
// with the places where they are expected. It stands at the bottom of the module
// so that every package's tests can use it; nothing else does.
//
// Importing it gives a test binary the flag -update, which rewrites goldens.
package dsltest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite golden files with what the tests got")

// Update reports whether goldens are to be rewritten.
func Update() bool { return *update }

// An Archive is one golden file in the txtar format: inputs and, as further
// files, what is expected of them.
type Archive struct {
	Path string
	*txtar.Archive
}

// File returns the named file of the archive, failing the test if there is none.
func (a Archive) File(t testing.TB, name string) []byte {
	t.Helper()
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	t.Fatalf("%s has no file %s", a.Path, name)
	return nil
}

// A Producer makes what a golden file of an archive should hold.
type Producer func(t *testing.T, a Archive) []byte

// Archives runs a subtest for each *.txtar file in dir. Files of an archive that
// producers names are goldens, compared with what their producer returns; files
// ending in inputExt are inputs. Anything else is an orphan and fails, as do an
// archive without goldens and a directory without archives. To add a golden,
// write its header line, such as "-- tree --", and run with -update.
func Archives(t *testing.T, dir, inputExt string, producers map[string]Producer) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no archives in %s", dir)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) { runArchive(t, path, inputExt, producers) })
	}
}

func runArchive(t *testing.T, path, inputExt string, producers map[string]Producer) {
	parsed, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := Archive{filepath.ToSlash(path), parsed}
	goldens, changed := 0, false
	for i, f := range a.Files {
		produce, ok := producers[f.Name]
		if !ok {
			if !strings.HasSuffix(f.Name, inputExt) {
				t.Errorf("%s: nothing tests %s", a.Path, f.Name)
			}
			continue
		}
		goldens++
		got := withNewline(produce(t, a))
		if bytes.Equal(got, f.Data) {
			continue
		}
		if *update {
			a.Files[i].Data = got
			changed = true
			continue
		}
		t.Errorf("%s: %s differs (-want +got); run with -update if that is right\n%s",
			a.Path, f.Name, cmp.Diff(string(f.Data), string(got)))
	}
	if goldens == 0 {
		t.Errorf("%s has no golden", a.Path)
	}
	if changed && !t.Failed() {
		if err := os.WriteFile(path, txtar.Format(parsed), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// withNewline ends text with the newline that txtar can't do without.
func withNewline(text []byte) []byte {
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(slices.Clip(text), '\n')
	}
	return text
}

// File compares got with the golden file at path.
func File(t testing.TB, path string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(path)
	if err == nil && bytes.Equal(got, want) {
		return
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Errorf("%v; run with -update to make it", err)
		return
	}
	t.Errorf("%s differs (-want +got); run with -update if that is right\n%s", path, cmp.Diff(string(want), string(got)))
}
