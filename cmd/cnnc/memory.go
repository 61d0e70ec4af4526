package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler/exec"
)

// checkMemory reports sessions, one for each thread count, that this machine has no
// room for: it would end the process in the middle of the first call.
func checkMemory(m *exec.Model, batch int, threads []int) error {
	available, ok := availableMemory()
	if !ok {
		return nil
	}
	const floatBytes = 4
	image := m.Memory().Arena
	for _, port := range slices.Concat(m.Plan().Inputs, m.Plan().Outputs) {
		image += port.Shape.Elems()
	}
	var need int64
	for _, n := range threads {
		need += floatBytes * (int64(batch)*int64(image) + int64(n)*int64(m.Memory().Scratch))
	}
	if need > available {
		return fmt.Errorf("%d images in a call take %s of memory beside the weights, and %s are free", batch, report.Bytes(need), report.Bytes(available))
	}
	return nil
}

// availableMemory is how many bytes programs can still take without swapping. It is
// known on Linux alone.
func availableMemory() (bytes int64, ok bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemAvailable:" && fields[2] == "kB" {
			kB, err := strconv.ParseInt(fields[1], 10, 64)
			return kB << 10, err == nil
		}
	}
	return 0, false
}
