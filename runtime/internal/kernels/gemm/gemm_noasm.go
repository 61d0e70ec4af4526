//go:build !amd64 || purego

package gemm

// assembly is never called: without assembly, cpu.Level is Generic.
func (k *Kernel) assembly(c *Call) { k.generic(c) }
