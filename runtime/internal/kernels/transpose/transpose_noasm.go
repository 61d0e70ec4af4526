//go:build !amd64 || purego

package transpose

// block is never called: no vector instructions, no lanes.
func (c *Call) block(lanes, row int) {}
