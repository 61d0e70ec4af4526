package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file returns a safetensors file: the header behind its length, then the data.
func file(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// le returns the little-endian bytes of values of fixed size.
func le(values any) string {
	b, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// ways opens the same bytes in each way there is.
func ways(t *testing.T, content []byte, f func(t *testing.T, f *File, err error)) {
	t.Run("Parse", func(t *testing.T) {
		got, err := Parse(content)
		f(t, got, err)
	})
	t.Run("Read", func(t *testing.T) {
		got, err := Read(bytes.NewReader(content), int64(len(content)))
		f(t, got, err)
	})
	t.Run("Open", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Open(path)
		if err == nil {
			defer got.Close()
		} else if rest, ok := strings.CutPrefix(err.Error(), path+": "); ok {
			err = errors.New(rest)
		} else {
			t.Errorf("error does not name the file: %v", err)
		}
		f(t, got, err)
	})
}

func TestTypes(t *testing.T) {
	header := `{"__metadata__":{"format":"pt"},` +
		`"f64":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},` +
		`"f32":{"dtype":"F32","shape":[1,3],"data_offsets":[16,28]},` +
		`"f16":{"dtype":"F16","shape":[2,2],"data_offsets":[28,36]},` +
		`"odd":{"dtype":"F32","shape":[],"data_offsets":[37,41]},` +
		`"bf16":{"dtype":"BF16","shape":[2],"data_offsets":[41,45]},` +
		`"none":{"dtype":"F32","shape":[0,5],"data_offsets":[45,45]},` +
		`"steps":{"dtype":"I64","shape":[],"data_offsets":[45,53]},` +
		`"new":{"dtype":"F128","shape":[1],"data_offsets":[53,54]},` +
		`"bool":{"dtype":"BOOL","shape":[1],"data_offsets":[36,37]}}  `
	data := le([]float64{1.5, math.Inf(-1)}) + le([]float32{-2, 0.25, 3}) +
		le([]uint16{0x3c00, 0xc500, 0x0001, 0x7c00}) + "\x01" + le(float32(7)) + le([]uint16{0x3f80, 0xc0a0}) + le(int64(9)) + "x"
	want := map[string][]float32{
		"f64": {1.5, float32(math.Inf(-1))}, "f32": {-2, 0.25, 3}, "f16": {1, -5, 1.0 / (1 << 24), float32(math.Inf(1))},
		"odd": {7}, "bf16": {1, -5}, "none": {},
	}
	wantErr := map[string]string{
		"steps": `values of type "I64", not F32, F16, BF16 or F64`,
		"new":   `values of type "F128", not F32, F16, BF16 or F64`,
		"bool":  `values of type "BOOL", not F32, F16, BF16 or F64`,
		"gone":  `weights: no tensor "gone"`,
	}
	for _, shift := range []int{0, 1} { // what is aligned with one is not with the other
		ways(t, file(header+strings.Repeat(" ", shift), data), func(t *testing.T, f *File, err error) {
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{"f64", "f32", "f16", "odd", "bf16", "none", "steps", "new", "bool"}
			if diff := cmp.Diff(keys, f.Keys()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"format": "pt"}, f.Metadata()); diff != "" {
				t.Error(diff)
			}
			if shape, ok := f.Shape("f32"); !ok || !cmp.Equal(shape, []int{1, 3}) {
				t.Errorf("shape of f32 is %v, %v", shape, ok)
			}
			if _, ok := f.Shape("gone"); ok {
				t.Error("a tensor that does not exist has a shape")
			}
			for key, w := range want {
				got, err := f.Read(key)
				if err != nil || len(got) != len(w) || len(w) > 0 && !cmp.Equal(got, w) {
					t.Errorf("%s = %v, %v; want %v", key, got, err, w)
				}
			}
			for key, w := range wantErr {
				if _, err := f.Read(key); err == nil || err.Error() != w {
					t.Errorf("%s: error %v, want %s", key, err, w)
				}
			}
		})
	}
}

// broken is files that lie, and what is said about them.
var broken = []struct {
	name    string
	content []byte
	want    string
}{
	{"empty", nil, "not a safetensors file: 0 bytes long"},
	{"short", []byte("1234567"), "not a safetensors file: 7 bytes long"},
	{"no header", make([]byte, 8), "not a safetensors file: the header does not begin with {"},
	{"huge header", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "not a safetensors file: a header of 18446744073709551615 bytes is over the format's limit of 100000000"},
	{"torch.save", []byte("PK\x03\x04\x00\x00\x08\x08\x00\x00"), "file of torch.save: zip: not a valid zip file"},
	{"old torch.save", []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 "), "file of torch.save: pickle: byte 4: unexpected EOF"},
	{"long header", []byte("\x03\x00\x00\x00\x00\x00\x00\x00{}"), "truncated: a header of 3 bytes in a file of 10"},
	{"pickle", file("\x80\x02}", ""), "not a safetensors file: the header does not begin with {"},
	{"space first", file(" {}", ""), "not a safetensors file: the header does not begin with {"},
	{"unclosed", file(`{"a":{"dtype":"F32"`, ""), `header: tensor "a": unexpected EOF`},
	{"more", file(`{}{}`, ""), "header: something follows the closing }"},
	{"array", file(`{"a":[]}`, ""), `header: tensor "a": "[" instead of {`},
	{"null", file(`{"a":null}`, ""), `header: tensor "a": "<nil>" instead of {`},
	{"data behind", file(`{}`, "x"), "the last 1 bytes belong to no tensor"},
	{"twice", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xy"), `header: tensor "a" appears twice`},
	{"twice, escaped", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xy"), `header: tensor "a" appears twice`},
	{"field twice", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "dtype" appears twice`},
	{"field missing", file(`{"a":{"shape":[1],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": dtype, shape or data_offsets is missing`},
	{"field unknown", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}}`, "x"), `header: tensor "a": unknown field "strides"`},
	{"dtype number", file(`{"a":{"dtype":32,"shape":[1],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "32" instead of a string`},
	{"negative", file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "-1" instead of a number of bytes or elements`},
	{"fraction", file(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "1.0" instead of a number of bytes or elements`},
	{"large number", file(`{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "9223372036854775808" instead of a number of bytes or elements`},
	{"shape null", file(`{"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "null" instead of [`},
	{"number null", file(`{"a":{"dtype":"U8","shape":[1, null],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "null" instead of a number of bytes or elements`},
	{"number nested", file(`{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": "[1]" instead of a number of bytes or elements`},
	{"number missing", file(`{"a":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}}`, "x"), `header: tensor "a": invalid character ']' looking for beginning of value`},
	{"cut in an array", file(`{"a":{"dtype":"U8","shape":[1`, ""), `header: tensor "a": unexpected EOF`},
	{"shape string", file(`{"a":{"dtype":"U8","shape":"1","data_offsets":[0,1]}}`, "x"), `header: tensor "a": "\"1\"" instead of [`},
	{"one offset", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, "x"), `header: tensor "a": data_offsets [0] are not a begin and an end`},
	{"backwards", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, "x"), `header: tensor "a": data_offsets [1 0] are not a begin and an end`},
	{"overflow", file(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, ""), `header: tensor "a": shape [4611686018427387904 4] has too many elements`},
	{"axes", file(`{"a":{"dtype":"U8","shape":[1`+strings.Repeat(",1", 64)+`],"data_offsets":[0,1]}}`, "1"), `header: tensor "a": 65 axes are more than the 64 that PyTorch has`},
	{"wrong size", file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, "12345678"), `header: tensor "a": shape [3] of F32 does not take the 8 bytes it has`},
	{"beyond the end", file(`{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, "1234"), `truncated: tensor "a" ends at byte 4398046511104 of 4`},
	{"unknown beyond", file(`{"a":{"dtype":"F128","shape":[1],"data_offsets":[0,1099511627776]}}`, "1234"), `truncated: tensor "a" ends at byte 1099511627776 of 4`},
	{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "123"), `tensor "b" begins at byte 1, inside the one before it, which ends at 2`},
	{"gap", file(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "123"), `tensor "b" begins at byte 2; bytes 1 to 2 belong to no tensor`},
	{"gap first", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "12"), `tensor "a" begins at byte 1; bytes 0 to 1 belong to no tensor`},
	{"metadata number", file(`{"__metadata__":{"a":1}}`, ""), `header: "1" instead of a string`},
	{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, ""), `header: __metadata__ appears twice`},
	{"metadata key twice", file(`{"__metadata__":{"a":"","a":""}}`, ""), `header: __metadata__ has "a" twice`},
	{"long name", file(`{"`+strings.Repeat("\x00x", 500)+`":1}`, ""), `header: invalid character '\x00' in string literal`},
	{"long key", file(`{"`+strings.Repeat("x", 500)+`":1}`, ""), `header: tensor "` + strings.Repeat("x", 100) + `"...: "1" instead of {`},
}

func TestBrokenFiles(t *testing.T) {
	for _, test := range broken {
		t.Run(test.name, func(t *testing.T) {
			ways(t, test.content, func(t *testing.T, _ *File, err error) {
				if err == nil || err.Error() != test.want {
					t.Errorf("error is\n  %v\nwant\n  %s", err, test.want)
				}
			})
		})
	}
}

// TestShrunkFile has a reader that gives less than the size it was announced with.
func TestShrunkFile(t *testing.T) {
	content := file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "12345678")
	f, err := Read(bytes.NewReader(content[:len(content)-3]), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("a"); err == nil || err.Error() != "unexpected EOF" {
		t.Errorf("error is %v", err)
	}
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || err.Error() != dir+": not a regular file" {
		t.Errorf("error is %v", err)
	}
	path := filepath.Join(dir, "gone")
	if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("error is %v", err)
	}
}

func TestClosedFile(t *testing.T) {
	ways(t, file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "1234"), func(t *testing.T, f *File, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := f.Read("a"); err == nil {
			t.Error("a closed file can be read")
		}
	})
}

func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1.0, h>>10&31, float64(h&1023)
		if h&0x8000 != 0 {
			sign = -1
		}
		want := sign * math.Ldexp(1024+fraction, exponent-25)
		switch {
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		case exponent == 0:
			want = sign * math.Ldexp(fraction, -24)
		}
		got := half(uint16(h))
		if float64(got) != want && !(math.IsNaN(want) && got != got) || math.Signbit(float64(got)) != (sign < 0) {
			t.Fatalf("half(%#04x) = %v, want %v", h, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	m := Map{
		"conv.weight":       {Shape: []int{2, 1, 1, 2}, Data: []float32{1, 2, -3, float32(math.Inf(1))}},
		"a \"quoted\"\nkey": {Shape: []int{}, Data: []float32{4}},
		"none":              {Shape: []int{0, 3}, Data: []float32{}},
	}
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	f, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got := Map{}
	for _, key := range f.Keys() {
		shape, _ := f.Shape(key)
		data, err := f.Read(key)
		if err != nil {
			t.Fatal(err)
		}
		got[key] = Tensor{Shape: append([]int{}, shape...), Data: append([]float32{}, data...)}
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}

	if err := Write(&b, Map{"a": {Shape: []int{2}, Data: []float32{1}}}); err == nil {
		t.Error("a tensor with too few values was written")
	}
}

func TestRename(t *testing.T) {
	m := Map{"module.a": {Data: []float32{1}}, "module.b": {Data: []float32{2}}, "c": {Data: []float32{3}}}
	stripped, err := StripPrefix(m, "module.")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c", "a", "b"}, stripped.Keys()); diff != "" {
		t.Error(diff)
	}
	if data, err := stripped.Read("b"); err != nil || data[0] != 2 {
		t.Errorf("b is %v, %v", data, err)
	}
	if _, ok := stripped.Shape("module.b"); ok {
		t.Error("the old name is still there")
	}
	if _, err := stripped.Read("module.b"); err == nil {
		t.Error("the old name can still be read")
	}

	less, err := Rename(m, func(key string) string {
		if key == "c" {
			return ""
		}
		return key
	})
	if err != nil || len(less.Keys()) != 2 {
		t.Errorf("without c: %v, %v", less.Keys(), err)
	}
	const want = `weights: both "c" and "module.a" would become "x"`
	if _, err := Rename(m, func(string) string { return "x" }); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// FuzzParse checks that no content makes the reader panic, and that what it accepts can
// be read.
func FuzzParse(f *testing.F) {
	for _, test := range broken {
		f.Add(test.content)
	}
	for _, path := range torchFiles(f) {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add(file(`{"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"b":{"dtype":"F64","shape":[],"data_offsets":[4,12]}}`, "123456789012"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Parse(content)
		other, errRead := Read(bytes.NewReader(content), int64(len(content)))
		if (err == nil) != (errRead == nil) {
			t.Fatalf("Parse says %v, Read %v", err, errRead)
		}
		if err != nil {
			return
		}
		for _, key := range file.Keys() {
			shape, ok := file.Shape(key)
			if !ok {
				t.Fatalf("%q has no shape", key)
			}
			data, err := file.Read(key)
			if err != nil {
				continue // of a type that is not read
			}
			if len(data) != elements(shape) {
				t.Fatalf("%q of shape %v has %d values", key, shape, len(data))
			}
			if again, err := other.Read(key); err != nil || len(again) != len(data) {
				t.Fatalf("%q: Read gives %d values, %v", key, len(again), err)
			}
		}
	})
}
