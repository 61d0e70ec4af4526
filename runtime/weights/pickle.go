package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// unpickler reads the pickles that torch.save writes, of protocol 2. Nothing in them is
// executed: what a class or a function would make is an object of that name and no more,
// but for the few that a state dict is made of.
//
// The format is that of Python's pickletools; opcodes have their names there.
type unpickler struct {
	r     *bufio.Reader
	left  int64 // bytes that may still come
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any

	storages map[string]storage // those that tensors refer to
}

// Values are nil, bool, int64, float64, string, tuple, *list, *dict, global, *object, storage
// and *tensor.
type (
	tuple  []any
	list   struct{ items []any }
	dict   struct{ items []item }
	item   struct{ key, value any }
	global string // module.name

	// object is what a class or function of no interest here would have made.
	object struct{ of global }

	// storage is numbers of one type, a part of which a tensor is.
	storage struct {
		class global
		key   string
		count int64
	}

	tensor struct {
		storage storage
		offset  int64 // in numbers, as strides are
		shape   []int
		strides []int64
	}
)

// newUnpickler reads a pickle of at most limit bytes.
func newUnpickler(r io.Reader, limit int64) *unpickler {
	return &unpickler{r: bufio.NewReader(r), left: limit, memo: map[uint32]any{}, storages: map[string]storage{}}
}

func (u *unpickler) unpickle() (any, error) {
	limit := u.left
	for {
		op, err := u.byte()
		if err == nil && op == '.' { // STOP
			return u.pop()
		}
		if err == nil {
			err = u.do(op)
		}
		if err != nil {
			return nil, fmt.Errorf("pickle: byte %d: %w", limit-u.left, err)
		}
	}
}

func (u *unpickler) do(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.byte()
		if err == nil && v != 2 {
			err = fmt.Errorf("protocol %d; torch.save writes 2", v)
		}
		return err
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return nil
	case 'N': // NONE
		return u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return u.push(op == 0x88)
	case 'K': // BININT1
		return u.int(1)
	case 'M': // BININT2
		return u.int(2)
	case 'J': // BININT
		return u.int(4)
	case 0x8a: // LONG1
		return u.long()
	case 'G': // BINFLOAT
		b, err := u.bytes(8)
		if err != nil {
			return err
		}
		return u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 'X', 'T': // BINUNICODE, BINSTRING
		return u.text(4)
	case 'U': // SHORT_BINSTRING
		return u.text(1)
	case 'c': // GLOBAL
		return u.global()
	case 'q', 'r', 'h', 'j': // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
		return u.memoize(op)
	}
	return u.build(op)
}

// build does the operations that make a value of others.
func (u *unpickler) build(op byte) error {
	switch op {
	case ')': // EMPTY_TUPLE
		return u.push(tuple{})
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		n := int(op - 0x84)
		if len(u.stack) < u.floor()+n {
			return errStack
		}
		u.marks = append(u.marks, len(u.stack)-n)
		fallthrough
	case 't': // TUPLE
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.push(tuple(items))
	case ']': // EMPTY_LIST
		return u.push(&list{})
	case '}': // EMPTY_DICT
		return u.push(&dict{})
	case 'a', 'e': // APPEND, APPENDS
		return u.fill(op == 'e', 1)
	case 's', 'u': // SETITEM, SETITEMS
		return u.fill(op == 'u', 2)
	case 'b': // BUILD: attributes, of which none is of interest
		_, err := u.pop()
		return err
	case 'Q', 'R', 0x81: // BINPERSID, REDUCE, NEWOBJ
		arg, err := u.pop()
		if err != nil {
			return err
		}
		if op == 'Q' {
			return u.storage(arg)
		}
		function, err := u.pop()
		if err != nil {
			return err
		}
		return u.call(function, arg)
	}
	return fmt.Errorf("opcode %#02x, which torch.save does not write", op)
}

// fill adds what stands above the mark, or one, to a list or a dict.
func (u *unpickler) fill(marked bool, width int) error {
	if !marked {
		if len(u.stack) < u.floor()+width {
			return errStack
		}
		u.marks = append(u.marks, len(u.stack)-width)
	}
	items, err := u.popMark()
	if err != nil {
		return err
	}
	if len(u.stack) == u.floor() || len(items)%width != 0 {
		return errStack
	}
	switch to := u.stack[len(u.stack)-1].(type) {
	case *list:
		if width == 1 {
			to.items = append(to.items, items...)
			return nil
		}
	case *dict:
		if width == 2 {
			for i := 0; i < len(items); i += 2 {
				to.items = append(to.items, item{items[i], items[i+1]})
			}
			return nil
		}
	case *object:
		return nil
	}
	return errors.New("items of what has none")
}

// storage pushes what the persistent ID ("storage", class, key, device, count) stands for.
// Older files have one element more, of a view into another storage, or None.
func (u *unpickler) storage(id any) error {
	t, _ := id.(tuple)
	if len(t) == 5 || len(t) == 6 && t[5] == nil {
		class, ok1 := t[1].(global)
		key, ok2 := t[2].(string)
		count, ok3 := t[4].(int64)
		if t[0] == "storage" && ok1 && ok2 && ok3 && count >= 0 {
			s := storage{class, key, count}
			u.storages[key] = s
			return u.push(s)
		}
	}
	return errors.New("a reference to something other than a storage")
}

// call pushes what a function returns.
func (u *unpickler) call(function, arg any) error {
	name, ok1 := function.(global)
	args, ok2 := arg.(tuple)
	if !ok1 || !ok2 {
		return errors.New("a call of something other than a function")
	}
	switch name {
	case "collections.OrderedDict":
		if len(args) == 0 {
			return u.push(&dict{})
		}
	case "torch._utils._rebuild_parameter":
		if len(args) > 0 {
			return u.push(args[0])
		}
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
		t, err := rebuild(args)
		if err != nil {
			return err
		}
		return u.push(t)
	}
	return u.push(&object{name})
}

// rebuild makes a tensor of (storage, offset, shape, strides, ...).
func rebuild(args tuple) (*tensor, error) {
	bad := errors.New("a tensor without storage, offset, shape and strides")
	if len(args) < 4 {
		return nil, bad
	}
	t := &tensor{}
	var ok [4]bool
	var shape, strides tuple
	t.storage, ok[0] = args[0].(storage)
	t.offset, ok[1] = args[1].(int64)
	shape, ok[2] = args[2].(tuple)
	strides, ok[3] = args[3].(tuple)
	if ok != [4]bool{true, true, true, true} || len(shape) != len(strides) || len(shape) > maxAxes {
		return nil, bad
	}
	for i := range shape {
		n, ok1 := shape[i].(int64)
		stride, ok2 := strides[i].(int64)
		if !ok1 || !ok2 || n < 0 || n > math.MaxInt {
			return nil, bad
		}
		t.shape, t.strides = append(t.shape, int(n)), append(t.strides, stride)
	}
	return t, nil
}

var errStack = errors.New("too little before it")

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

// floor is the height below which what is above the last mark does not reach.
func (u *unpickler) floor() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

func (u *unpickler) pop() (any, error) {
	n := len(u.stack) - 1
	if n < u.floor() {
		return nil, errStack
	}
	v := u.stack[n]
	u.stack = u.stack[:n]
	return v, nil
}

// popMark returns what is above the last mark.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errStack
	}
	at := u.floor()
	u.marks = u.marks[:len(u.marks)-1]
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

// memoize keeps the top of the stack, or pushes what was kept.
func (u *unpickler) memoize(op byte) error {
	width := 1
	if op == 'r' || op == 'j' {
		width = 4
	}
	n, err := u.uint(width)
	if err != nil {
		return err
	}
	if op == 'h' || op == 'j' {
		v, ok := u.memo[n]
		if !ok {
			return fmt.Errorf("value %d was not kept", n)
		}
		return u.push(v)
	}
	if len(u.stack) == u.floor() {
		return errStack
	}
	u.memo[n] = u.stack[len(u.stack)-1]
	return nil
}

// global pushes a name: module and name, a line each.
func (u *unpickler) global() error {
	var parts [2]string
	for i := range parts {
		var line strings.Builder
		for {
			b, err := u.byte()
			if err != nil {
				return err
			}
			if b == '\n' {
				break
			}
			line.WriteByte(b)
		}
		parts[i] = line.String()
	}
	return u.push(global(parts[0] + "." + parts[1]))
}

// text pushes a string behind a length of so many bytes.
func (u *unpickler) text(width int) error {
	n, err := u.uint(width)
	if err != nil {
		return err
	}
	b, err := u.bytes(int64(n))
	if err != nil {
		return err
	}
	return u.push(string(b))
}

// int pushes an integer of so many bytes; the longest has a sign.
func (u *unpickler) int(width int) error {
	n, err := u.uint(width)
	if err != nil {
		return err
	}
	if width == 4 {
		return u.push(int64(int32(n)))
	}
	return u.push(int64(n))
}

// long pushes an integer of any length, in two's complement; an object if it is too long.
func (u *unpickler) long() error {
	width, err := u.byte()
	if err != nil {
		return err
	}
	b, err := u.bytes(int64(width))
	if err != nil {
		return err
	}
	if width > 8 {
		return u.push(&object{"int"})
	}
	var n uint64
	for i := range 8 {
		switch {
		case i < len(b):
			n |= uint64(b[i]) << (8 * i)
		case len(b) > 0 && b[len(b)-1] >= 0x80:
			n |= 0xff << (8 * i)
		}
	}
	return u.push(int64(n))
}

// uint reads a little-endian number of up to four bytes.
func (u *unpickler) uint(width int) (n uint32, err error) {
	b, err := u.bytes(int64(width))
	for i := range b {
		n |= uint32(b[i]) << (8 * i)
	}
	return n, err
}

func (u *unpickler) byte() (byte, error) {
	if u.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	b, err := u.r.ReadByte()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	u.left--
	return b, err
}

func (u *unpickler) bytes(n int64) ([]byte, error) {
	if n > u.left {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err := io.ReadFull(u.r, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	u.left -= n
	return b, err
}
