//go:build !linux

package weights

// populate is for Linux: elsewhere pages come as they are touched.
func populate([]byte) error { return nil }

// drop is for Linux: elsewhere pages stay until the file is closed, or the system needs them.
func drop([]byte) {}
