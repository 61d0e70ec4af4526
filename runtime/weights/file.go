package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"unsafe"
)

// File is a safetensors file or one of torch.save (.pth, .pt, .bin) that has a state dict. Its
// header has been checked; tensors are read as they are asked for.
type File struct {
	header  *header
	data    []byte      // what follows the header, if it is in memory
	mapped  bool        // data is the file, not a copy
	src     io.ReaderAt // the file, otherwise
	base    int64       // where the data begins in src
	release func() error
}

// Open opens a file. Where the system can, the file is mapped into memory,
// and float32 tensors are read without a copy; the file must not be changed, nor the
// File closed, while their data is in use.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func open(path string) (*File, error) {
	osFile, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is said once
	}
	info, err := osFile.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		osFile.Close()
		return nil, err
	}
	if mem, unmap, err := mapFile(osFile, info.Size()); err == nil {
		osFile.Close() // the mapping stays
		f, err := Parse(mem)
		if err != nil {
			unmap()
			return nil, err
		}
		f.mapped, f.release = true, unmap
		return f, nil
	}
	f, err := Read(osFile, info.Size())
	if err != nil {
		osFile.Close()
		return nil, err
	}
	f.release = osFile.Close
	return f, nil
}

// Parse takes a file that is in memory, such as one embedded in the program. The File
// refers to data.
func Parse(data []byte) (*File, error) {
	h, base, err := parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return &File{header: h, data: data[base:]}, nil
}

// Read takes a file of size bytes from r, which must not be closed before the last tensor
// is read.
func Read(r io.ReaderAt, size int64) (*File, error) {
	h, base, err := parse(r, size)
	if err != nil {
		return nil, err
	}
	return &File{header: h, src: r, base: base}, nil
}

// parse reads what a file says about its tensors, and where their data begins.
func parse(r io.ReaderAt, size int64) (h *header, base int64, err error) {
	if err := checkSize(size); err != nil {
		return nil, 0, err
	}
	var prefix [8]byte
	if err := readAt(r, prefix[:], 0); err != nil {
		return nil, 0, err
	}
	long := binary.LittleEndian.Uint64(prefix[:]) > maxHeader // for the header of a safetensors file
	if zipped := string(prefix[:len(zipMagic)]) == zipMagic; long && zipped || string(prefix[:]) == pickleMagic {
		if h, err = parseTorch(r, size, zipped); err != nil {
			return nil, 0, fmt.Errorf("file of torch.save: %w", err)
		}
		return h, 0, nil
	}
	n, err := headerSize(prefix, size)
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, n)
	if err := readAt(r, text, 8); err != nil {
		return nil, 0, err
	}
	h, err = parseHeader(text, size-8-n)
	return h, 8 + n, err
}

// Close releases the file. Data that Read returned must not be used any more.
func (f *File) Close() error {
	*f = File{header: &header{}, release: f.release}
	if f.release == nil {
		return nil
	}
	err := f.release()
	f.release = nil
	return err
}

// Metadata returns the free-form strings in a safetensors file's header; nil if there are none.
func (f *File) Metadata() map[string]string { return f.header.metadata }

// Keys lists the tensors in the order of the header.
func (f *File) Keys() []string {
	keys := make([]string, len(f.header.entries))
	for i, e := range f.header.entries {
		keys[i] = e.key
	}
	return keys
}

// Shape returns a tensor's shape.
func (f *File) Shape(key string) (shape []int, ok bool) {
	i, ok := f.header.index[key]
	if !ok {
		return nil, false
	}
	return slices.Clone(f.header.entries[i].shape), true
}

// Read returns a tensor's data, row-major. F32, F16, BF16 and F64 are converted to
// float32; other types are an error. Errors do not repeat the key.
func (f *File) Read(key string) ([]float32, error) {
	i, ok := f.header.index[key]
	if !ok {
		return nil, errNoTensor(key)
	}
	e := &f.header.entries[i]
	convert := conversions[e.dtype]
	if convert == nil {
		return nil, fmt.Errorf("values of type %s, not F32, F16, BF16 or F64", quote(e.dtype))
	}
	if f.mapped {
		return f.readMapped(f.data[e.begin:e.end:e.end], convert)
	}
	if f.data != nil {
		return convert(f.data[e.begin:e.end:e.end]), nil
	}
	raw := make([]byte, e.end-e.begin)
	if err := readAt(f.src, raw, f.base+e.begin); err != nil {
		return nil, err
	}
	return convert(raw), nil
}

// readMapped reads all pages at once, rather than one by one as they are touched; and what
// has been cut off a file since it was mapped is an error then, not a fault.
func (f *File) readMapped(raw []byte, convert func([]byte) []float32) ([]float32, error) {
	if err := populate(raw); err != nil {
		return nil, err
	}
	data := convert(raw)
	if !f.holds(data) {
		drop(raw)
	}
	return data, nil
}

// holds reports whether data is a part of the mapped file.
func (f *File) holds(data []float32) bool {
	if !f.mapped || len(data) == 0 {
		return false
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	from := uintptr(unsafe.Pointer(unsafe.SliceData(f.data)))
	return from <= at && at < from+uintptr(len(f.data))
}

// Drop gives back the memory of data that Read returned, or a part of it, if it is the file
// itself. It can still be read.
func (f *File) Drop(data []float32) {
	if f.holds(data) {
		drop(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data)))
	}
}

// maxHeader is the format's limit.
const maxHeader = 100_000_000

func checkSize(size int64) error {
	if size < 8 {
		return fmt.Errorf("not a safetensors file: %d bytes long", max(size, 0))
	}
	if size > math.MaxInt {
		return fmt.Errorf("%d bytes are too many for this machine", size)
	}
	return nil
}

// headerSize decodes and checks the length of the header of a file of size bytes.
func headerSize(prefix [8]byte, size int64) (int64, error) {
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader {
		return 0, fmt.Errorf("not a safetensors file: a header of %d bytes is over the format's limit of %d", n, maxHeader)
	}
	if n > uint64(size-8) {
		return 0, fmt.Errorf("truncated: a header of %d bytes in a file of %d", n, size)
	}
	return int64(n), nil
}

// readAt fills p or returns an error.
func readAt(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil // even at the end of the file, where err may be EOF
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
