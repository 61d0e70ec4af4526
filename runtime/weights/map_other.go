//go:build !unix

package weights

import (
	"errors"
	"os"
)

// mapFile is for systems that have Mmap.
func mapFile(*os.File, int64) (mem []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
