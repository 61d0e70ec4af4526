//go:build !amd64 || purego

package winograd

// input, output and weights are never called: without assembly, cpu.Level is Generic.

func (k Kernel) input(t *Input) { t.generic(k.Variant) }

func (k Kernel) output(t *Output) { t.generic(k.Variant) }

func (k Kernel) weights(*Weights, int) {}
