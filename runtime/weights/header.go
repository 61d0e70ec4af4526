package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// header is what a safetensors file says about its tensors, checked.
type header struct {
	entries  []entry // in the order of the text
	index    map[string]int
	metadata map[string]string
}

// entry describes one tensor.
type entry struct {
	key        string
	dtype      string
	shape      []int
	begin, end int64 // of its bytes, from the end of the header on
}

// dtypeBits is the width of the types that the format knows.
var dtypeBits = map[string]uint64{
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
	"I16": 16, "U16": 16, "F16": 16, "BF16": 16,
	"I32": 32, "U32": 32, "F32": 32,
	"I64": 64, "U64": 64, "F64": 64, "C64": 64,
}

// parseHeader reads and checks a header: an object of tensors, no key twice, whose bytes
// lie one after the other without gap or overlap and fill all of dataSize.
func parseHeader(text []byte, dataSize int64) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, errors.New("not a safetensors file: the header does not begin with {")
	}
	p := &headerParser{Decoder: json.NewDecoder(bytes.NewReader(text))}
	h := &header{index: make(map[string]int)}
	err := p.object(func(key string) (err error) {
		if key == "__metadata__" {
			if h.metadata != nil {
				return errors.New("__metadata__ appears twice")
			}
			h.metadata, err = p.metadata()
			return err
		}
		if _, ok := h.index[key]; ok {
			return fmt.Errorf("tensor %s appears twice", quote(key))
		}
		e, err := p.entry(key)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(key), err)
		}
		h.index[key] = len(h.entries)
		h.entries = append(h.entries, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if _, err := p.Token(); err != io.EOF {
		return nil, errors.New("header: something follows the closing }")
	}
	return h, h.checkCover(dataSize)
}

// checkCover checks that the tensors' bytes fill [0, size) exactly.
func (h *header) checkCover(size int64) error {
	order := make([]*entry, len(h.entries))
	for i := range order {
		order[i] = &h.entries[i]
	}
	slices.SortStableFunc(order, func(a, b *entry) int {
		if a.begin != b.begin {
			return int(max(-1, min(1, a.begin-b.begin)))
		}
		return int(max(-1, min(1, a.end-b.end)))
	})
	at := int64(0)
	for _, e := range order {
		switch {
		case e.begin < at:
			return fmt.Errorf("tensor %s begins at byte %d, inside the one before it, which ends at %d", quote(e.key), e.begin, at)
		case e.begin > at:
			return fmt.Errorf("tensor %s begins at byte %d; bytes %d to %d belong to no tensor", quote(e.key), e.begin, at, e.begin)
		case e.end > size:
			return fmt.Errorf("truncated: tensor %s ends at byte %d of %d", quote(e.key), e.end, size)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("the last %d bytes belong to no tensor", size-at)
	}
	return nil
}

// headerParser reads JSON token by token, since encoding/json's structs would take keys
// that appear twice.
type headerParser struct {
	*json.Decoder
	array json.RawMessage // that is being read
}

// object reads an object and calls member after each key, which must read the value.
func (p *headerParser) object(member func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.More() {
		key, err := p.string()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p *headerParser) metadata() (map[string]string, error) {
	m := make(map[string]string)
	err := p.object(func(key string) error {
		if _, ok := m[key]; ok {
			return fmt.Errorf("__metadata__ has %s twice", quote(key))
		}
		v, err := p.string()
		m[key] = v
		return err
	})
	return m, err
}

const maxAxes = 64

// entry reads a tensor's description and checks it in itself.
func (p *headerParser) entry(key string) (entry, error) {
	e := entry{key: key}
	var offsets []int64
	seen := make([]string, 0, 3)
	err := p.object(func(field string) (err error) {
		if slices.Contains(seen, field) {
			return fmt.Errorf("%s appears twice", quote(field))
		}
		seen = append(seen, field)
		switch field {
		case "dtype":
			e.dtype, err = p.string()
		case "shape":
			err = p.numbers(math.MaxInt, func(v int64) { e.shape = append(e.shape, int(v)) })
		case "data_offsets":
			err = p.numbers(math.MaxInt64, func(v int64) { offsets = append(offsets, v) })
		default:
			err = fmt.Errorf("unknown field %s", quote(field))
		}
		return err
	})
	switch {
	case err != nil:
		return e, err
	case len(seen) != 3:
		return e, errors.New("dtype, shape or data_offsets is missing")
	case len(e.shape) > maxAxes:
		return e, fmt.Errorf("%d axes are more than the %d that PyTorch has", len(e.shape), maxAxes)
	case len(offsets) != 2 || offsets[0] > offsets[1]:
		return e, fmt.Errorf("data_offsets %v are not a begin and an end", offsets[:min(3, len(offsets))])
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, e.checkSize()
}

// checkSize checks that the tensor's bytes are as many as its shape says. A type that
// the format does not know may be of any size; it cannot be read.
func (e *entry) checkSize() error {
	width, known := dtypeBits[e.dtype]
	if !known {
		return nil
	}
	n := width
	for _, d := range e.shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 {
			return fmt.Errorf("shape %v has too many elements", e.shape)
		}
		n = lo
	}
	if n%8 != 0 || n/8 != uint64(e.end-e.begin) {
		return fmt.Errorf("shape %v of %s does not take the %d bytes it has", e.shape, e.dtype, e.end-e.begin)
	}
	return nil
}

func (p *headerParser) delim(want json.Delim) error {
	t, err := p.token()
	if err == nil && t != want {
		err = fmt.Errorf("%v instead of %v", describe(t), want)
	}
	return err
}

func (p *headerParser) string() (string, error) {
	t, err := p.token()
	s, ok := t.(string)
	if err == nil && !ok {
		err = fmt.Errorf("%v instead of a string", describe(t))
	}
	return s, err
}

// numbers reads an array of integers from 0 to limit: as a whole, since headers are numbers for
// the most part, and each allocates several times as a token.
func (p *headerParser) numbers(limit int64, add func(int64)) error {
	if err := p.Decode(&p.array); err != nil {
		return unexpected(err)
	}
	text, ok := bytes.CutPrefix(p.array, []byte("["))
	if !ok {
		return fmt.Errorf("%v instead of [", quote(string(p.array)))
	}
	text = bytes.TrimSpace(text[:len(text)-1])
	if len(text) == 0 {
		return nil
	}
	for n := range bytes.SplitSeq(text, []byte(",")) {
		n := string(bytes.TrimSpace(n))
		v, err := strconv.ParseUint(n, 10, 63)
		if err != nil || int64(v) > limit {
			return fmt.Errorf("%v instead of a number of bytes or elements", quote(n))
		}
		add(int64(v))
	}
	return nil
}

func (p *headerParser) token() (json.Token, error) {
	t, err := p.Token()
	return t, unexpected(err)
}

// unexpected makes the end of the text an error like others.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// describe makes a token, which may be anything, fit to print.
func describe(t json.Token) string { return quote(fmt.Sprint(t)) }
