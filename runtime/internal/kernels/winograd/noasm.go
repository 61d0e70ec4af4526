//go:build !amd64 || purego

package winograd

// input and output are never called: without assembly, cpu.Level is Generic.

func (k Kernel) input(t *Input) { t.generic() }

func (k Kernel) output(t *Output) { t.generic() }
