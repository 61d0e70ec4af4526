package weights

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Write writes a checkpoint as a safetensors file of F32 tensors, in the order of its
// keys.
func Write(w io.Writer, t Tensors) error {
	type description struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	text := []byte{'{'}
	end := int64(0)
	for i, key := range t.Keys() {
		shape, _ := t.Shape(key)
		begin := end
		size := int64(4)
		for _, d := range shape {
			size *= int64(d)
		}
		end += size
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		value, err := json.Marshal(description{"F32", append([]int{}, shape...), [2]int64{begin, end}})
		if err != nil {
			return err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	text = append(text, '}')
	for len(text)%8 != 0 { // the data begins aligned
		text = append(text, ' ')
	}

	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))) // bufio keeps the first error for Flush
	out.Write(text)
	for _, key := range t.Keys() {
		data, err := t.Read(key)
		if err != nil {
			return err
		}
		shape, _ := t.Shape(key)
		if n := elements(shape); n != len(data) {
			return fmt.Errorf("weights: %s of shape %v has %d values", quote(key), shape, len(data))
		}
		for _, v := range data {
			out.Write(binary.LittleEndian.AppendUint32(out.AvailableBuffer(), math.Float32bits(v)))
		}
	}
	return out.Flush()
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
