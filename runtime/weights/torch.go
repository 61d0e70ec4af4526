package weights

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"
)

// A file of torch.save is a pickle, which describes tensors as parts of storages, and the
// bytes of these. Since PyTorch 1.6 they are files in a zip archive, uncompressed; before,
// and where torch.save is told so, they follow each other:
//
//	ARCHIVE/data.pkl          the magic number, the version, what system it was, the object,
//	ARCHIVE/data/0, ...       the storages' keys: five pickles; each storage's count and bytes
//
// Both serve as a header does: a tensor is some bytes of the file. See torch/serialization.py.

const (
	zipMagic    = "PK\x03\x04"
	pickleMagic = "\x80\x02\x8a\x0al\xfc\x9cF" // protocol 2, an integer of 10 bytes

	// maxPickle is some hundred times what a large network's takes; values take up to sixteen
	// times as much memory.
	maxPickle = 16 << 20
)

var errNoStateDict = errors.New("no state dict: in Python, torch.save(model.state_dict(), path) writes one")

// storageTypes are the types of values, as a safetensors file calls them.
var storageTypes = map[global]string{
	"torch.FloatStorage": "F32", "torch.DoubleStorage": "F64", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL", "torch.ComplexFloatStorage": "C64",
}

// parseTorch makes a header of a file of torch.save of size bytes, whose tensors' bytes count
// from the beginning of the file.
func parseTorch(r io.ReaderAt, size int64, zipped bool) (h *header, err error) {
	var object any
	var locate func(storage) (begin, end int64, err error)
	if zipped {
		object, locate, err = openArchive(r, size)
	} else {
		object, locate, err = openPickles(r, size)
	}
	if err != nil {
		return nil, err
	}
	state, err := stateDict(object)
	if err != nil {
		return nil, err
	}
	h = &header{index: make(map[string]int)}
	for _, it := range state.items {
		key, ok := it.key.(string)
		if !ok || !isTensor(it.value) {
			continue // the number of the epoch, and the like
		}
		if _, ok := h.index[key]; ok {
			return nil, fmt.Errorf("tensor %s appears twice", quote(key))
		}
		e, err := entryOf(it.value, locate)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", quote(key), err)
		}
		e.key = key
		h.index[key] = len(h.entries)
		h.entries = append(h.entries, e)
	}
	return h, nil
}

// openArchive reads a zip archive's pickle. locate returns where a storage's bytes lie in
// the file.
func openArchive(r io.ReaderAt, size int64) (object any, locate func(storage) (begin, end int64, err error), err error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, nil, err
	}
	files := map[string]*zip.File{}
	root := ""
	for _, f := range archive.File {
		files[f.Name] = f
		if dir, name := path.Split(f.Name); name == "data.pkl" {
			root = dir
		}
	}
	pkl := files[root+"data.pkl"]
	switch {
	case pkl == nil:
		return nil, nil, errors.New("a zip archive without data.pkl, as torch.save writes it")
	case files[root+"constants.pkl"] != nil:
		return nil, nil, fmt.Errorf("a TorchScript program; %w", errNoStateDict)
	}
	if f := files[root+"byteorder"]; f != nil && f.UncompressedSize64 != uint64(len("little")) {
		return nil, nil, errors.New("written on a big-endian machine")
	}
	place := func(f *zip.File) (begin, end int64, err error) {
		begin, err = f.DataOffset()
		switch {
		case err != nil:
			return 0, 0, err
		case f.Method != zip.Store:
			return 0, 0, fmt.Errorf("%s is compressed, which torch.save does not do", quote(f.Name))
		case begin > size || f.UncompressedSize64 > uint64(size-begin):
			return 0, 0, fmt.Errorf("truncated: %s ends behind the file", quote(f.Name))
		}
		return begin, begin + int64(f.UncompressedSize64), nil
	}
	begin, end, err := place(pkl)
	if err != nil {
		return nil, nil, err
	}
	if end-begin > maxPickle {
		return nil, nil, fmt.Errorf("a pickle of %d bytes is over the limit of %d", end-begin, maxPickle)
	}
	object, err = newUnpickler(io.NewSectionReader(r, begin, end-begin), end-begin).unpickle()
	return object, func(s storage) (begin, end int64, err error) {
		f := files[root+"data/"+s.key]
		if f == nil {
			return 0, 0, fmt.Errorf("its storage %s is not in the archive", quote(s.key))
		}
		return place(f)
	}, err
}

// openPickles reads the pickles of a file that is no archive, and finds the storages behind
// them.
func openPickles(r io.ReaderAt, size int64) (object any, locate func(storage) (begin, end int64, err error), err error) {
	const version = 1001
	var pickles [5]any
	at := int64(0)
	storages := map[string]storage{}
	for i := range pickles {
		limit := min(size-at, maxPickle)
		u := newUnpickler(io.NewSectionReader(r, at, limit), limit)
		u.storages = storages
		if pickles[i], err = u.unpickle(); err != nil {
			return nil, nil, err
		}
		at += limit - u.left
	}
	keys, ok := pickles[4].(*list)
	if pickles[1] != int64(version) || !ok {
		return nil, nil, fmt.Errorf("not the five pickles of version %d", version)
	}
	places := map[string][2]int64{}
	for _, k := range keys.items {
		key, _ := k.(string)
		s, ok := storages[key]
		if !ok {
			return nil, nil, fmt.Errorf("storage %s is no tensor's", quote(key))
		}
		var count [8]byte
		if err := readAt(r, count[:], at); err != nil {
			return nil, nil, err
		}
		at += int64(len(count))
		_, width, err := s.values()
		if err != nil {
			return nil, nil, err
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.count) || n > uint64(size-at)/uint64(width) {
			return nil, nil, fmt.Errorf("truncated: storage %s has %d values of %d", quote(key), n, s.count)
		}
		places[key] = [2]int64{at, at + s.count*width}
		at = places[key][1]
	}
	return pickles[3], func(s storage) (begin, end int64, err error) {
		p, ok := places[s.key]
		if !ok {
			return 0, 0, fmt.Errorf("its storage %s is not in the file", quote(s.key))
		}
		return p[0], p[1], nil
	}, nil
}

// stateDict returns the state dict that an object is; or the one that it holds, as
// checkpoints of a training do beside other things.
func stateDict(object any) (*dict, error) {
	d, ok := object.(*dict)
	if !ok {
		return nil, errNoStateDict
	}
	if d.hasTensors() {
		return d, nil
	}
	var names []string
	var found *dict
	for _, it := range d.items {
		if inner, ok := it.value.(*dict); ok && inner.hasTensors() {
			found = inner
			name, _ := it.key.(string)
			names = append(names, quote(name))
		}
	}
	switch len(names) {
	case 0:
		return nil, errNoStateDict
	case 1:
		return found, nil
	}
	return nil, fmt.Errorf("several state dicts: %s; in Python, save the one you want by itself", strings.Join(names, ", "))
}

func (d *dict) hasTensors() bool {
	return slices.ContainsFunc(d.items, func(it item) bool { return isTensor(it.value) })
}

// isTensor reports whether a value is a tensor, if only one of a kind that is not read.
func isTensor(v any) bool {
	switch v := v.(type) {
	case *tensor:
		return true
	case *object:
		return strings.HasPrefix(string(v.of), "torch._utils._rebuild_")
	}
	return false
}

// entryOf says where a tensor's bytes lie. They must lie in the order of its axes.
func entryOf(v any, locate func(storage) (begin, end int64, err error)) (entry, error) {
	t, ok := v.(*tensor)
	if !ok {
		return entry{}, fmt.Errorf("made by %s, which is not supported", quote(string(v.(*object).of)))
	}
	dtype, width, err := t.storage.values()
	if err != nil {
		return entry{}, err
	}
	begin, end, err := locate(t.storage)
	if err != nil {
		return entry{}, err
	}
	if slices.Contains(t.shape, 0) { // there are no values, whatever strides say
		return entry{dtype: dtype, shape: t.shape, begin: begin, end: begin}, nil
	}
	n := int64(1) // values from one of an axis to the next
	for i, d := range slices.Backward(t.shape) {
		if d > 1 && t.strides[i] != n {
			return entry{}, errors.New("not contiguous: in Python, save its .contiguous()")
		}
		if n > math.MaxInt64/int64(d) {
			return entry{}, fmt.Errorf("shape %v has too many elements", t.shape)
		}
		n *= int64(d)
	}
	if room := (end - begin) / width; t.offset < 0 || t.offset > room || n > room-t.offset {
		return entry{}, fmt.Errorf("shape %v from %d on does not lie in the %d values of its storage", t.shape, t.offset, room)
	}
	begin += t.offset * width
	return entry{dtype: dtype, shape: t.shape, begin: begin, end: begin + n*width}, nil
}

// values returns the type of a storage's values, and how many bytes one has.
func (s storage) values() (dtype string, width int64, err error) {
	dtype, ok := storageTypes[s.class]
	if !ok {
		return "", 0, fmt.Errorf("values of %s, which is not supported", quote(string(s.class)))
	}
	return dtype, int64(dtypeBits[dtype] / 8), nil
}
