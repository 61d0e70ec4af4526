// Package driver does the work between the command line and the compiler:
// finding specs, reading files, comparing and writing what was emitted.
package driver

import "fmt"

// UsageError is a command line that makes no sense, as opposed to a spec or a
// file that is wrong.
type UsageError struct{ Message string }

func (e UsageError) Error() string { return e.Message }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return UsageError{fmt.Sprintf(format, args...)}
}
