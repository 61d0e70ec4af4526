package weights

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mapped returns a file of a tensor of n floats, and its path.
func mapped(t *testing.T, dtype string, width, n int) (*File, string) {
	header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, dtype, n, width*n)
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.WriteFile(path, file(header, strings.Repeat("abcdefgh", width*n/8)), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, path
}

// resident is how many kB of a mapped file this process has in memory.
func resident(t *testing.T, path string) (kb int) {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("what is in memory cannot be told without /proc: ", err)
	}
	_, rest, ok := strings.Cut(string(maps), path)
	if !ok {
		t.Fatalf("%s is not mapped", path)
	}
	_, rest, _ = strings.Cut(rest, "\nRss:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestDrop(t *testing.T) {
	const n = 1 << 20
	f, path := mapped(t, "F32", 4, n)
	data, err := f.Read("x")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(data)
	all := resident(t, path)
	f.Drop(data[:n/2])
	half := resident(t, path)
	f.Drop(data)
	none := resident(t, path)
	if all < 4<<10 || half > 3<<10 || none > 64 {
		t.Errorf("of 4096 kB, %d are in memory when they are read, %d when half is dropped, %d when all is", all, half, none)
	}
	if !slices.Equal(data, want) {
		t.Error("what was dropped has changed")
	}
	f.Drop(nil)
}

// What Read converts is not the file itself: that is dropped at once, the other never.
func TestDropConverted(t *testing.T) {
	const n = 1 << 20
	f, path := mapped(t, "F16", 2, n)
	data, err := f.Read("x")
	if err != nil {
		t.Fatal(err)
	}
	if kb := resident(t, path); kb > 64 {
		t.Errorf("%d kB of the file are still in memory", kb)
	}
	want := slices.Clone(data)
	f.Drop(data)
	if !slices.Equal(data, want) {
		t.Error("what was dropped has changed")
	}
}

// A file that is not mapped is memory of the program, in which Drop has no business.
func TestDropParsed(t *testing.T) {
	_, path := mapped(t, "F32", 4, 1<<16)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.Read("x")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(data)
	f.Drop(data)
	if !slices.Equal(data, want) {
		t.Error("what was dropped has changed")
	}
}

func TestTruncatedWhileOpen(t *testing.T) {
	f, path := mapped(t, "F32", 4, 1<<16)
	if err := advise(f.data, unix.MADV_POPULATE_READ, pageDown, pageUp); err != nil {
		t.Skip("before Linux 5.14, this is found out by a fault: ", err)
	}
	if err := os.Truncate(path, 1<<16); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("x"); err == nil {
		t.Error("no error, though most of the tensor is gone")
	} else if want := "the file has become shorter, or the disk fails"; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}
