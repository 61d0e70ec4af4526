package verifytest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// child marks the processes that EachISA starts.
const child = "CNNC_VERIFYTEST_CHILD"

// EachISA runs f under every CNNC_CPU: the test that calls it, which must be a
// top-level one, runs again in a process for each, because the choice is made
// once a process. What the machine lacks is skipped, or fails if CNNC_REQUIRE_ISA
// names it (generic, avx2, avx512 or amx; several with commas).
//
// Under the race detector f runs once, in this process: it looks at how threads
// meet, which is the same whatever the kernels are, and makes plain Go crawl.
func EachISA(t *testing.T, f func(t *testing.T)) {
	if raceDetector || os.Getenv(child) != "" {
		f(t)
		return
	}
	for _, isa := range []string{"generic", "avx2", "avx512", "amx"} {
		t.Run(isa, func(t *testing.T) {
			test, _, _ := strings.Cut(t.Name(), "/")
			out, err := again(t, test, isa)
			switch {
			case err == nil && strings.Contains(out, "--- PASS: "+test+" "):
				t.Logf("under %s:\n%s", isa, out)
			case err == nil && strings.Contains(out, "--- SKIP: "+test+" "):
				t.Skipf("under %s:\n%s", isa, out)
			case strings.Contains(out, "CNNC_CPU="+isa+": this machine has ") && !required(isa):
				t.Skipf("this machine has no %s", isa)
			default:
				t.Errorf("under %s: %v\n%s", isa, err, out)
			}
		})
	}
}

// again runs a test in a process of its own and returns what it printed.
func again(t *testing.T, test, isa string) (string, error) {
	args := []string{"-test.run=^" + test + "$", "-test.v"}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout="+time.Until(deadline).String())
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), child+"=1", "CNNC_CPU="+isa)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func required(isa string) bool {
	return slices.Contains(strings.Split(os.Getenv("CNNC_REQUIRE_ISA"), ","), isa)
}

// affordable is how many multiply-accumulates plain Go does in about a second.
const affordable = 1e9

// SkipSlow skips what a -short run cannot wait for: an inference of so many
// multiply-accumulates in plain Go, or weights of so many parameters, which are
// made anew for each instruction set.
func SkipSlow(t testing.TB, params, macs int64) {
	t.Helper()
	if !testing.Short() {
		return
	}
	if os.Getenv("CNNC_CPU") == "generic" && macs > affordable {
		t.Skipf("-short: plain Go takes seconds for %d million multiply-accumulates", macs/1e6)
	}
	if params > 50e6 {
		t.Skipf("-short: making %d million weights takes seconds", params/1e6)
	}
}
