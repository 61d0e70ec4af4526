package runtime

import (
	"errors"
	"maps"
	"slices"
)

// memory is a checkpoint in memory.
type memory map[string]Tensor

func (m memory) Keys() []string { return slices.Sorted(maps.Keys(m)) }

func (m memory) Shape(key string) ([]int, bool) {
	t, ok := m[key]
	return t.Shape, ok
}

func (m memory) Read(key string) ([]float32, error) {
	if m[key].Data == nil {
		return nil, errors.New("the disk is on fire")
	}
	return m[key].Data, nil
}
