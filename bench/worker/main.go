// Command worker lets bench.py measure an emitted package.
//
//	worker WEIGHTS THREADS BATCH INPUT OUTPUT
//
// loads the model and runs it once on INPUT. Then it prints a line of JSON that
// says what that took, writes OUTPUT, and answers each line of standard input
// with a line of JSON:
//
//	run SECONDS    the times of calls for so long, at least one, and the peak after them
//	peak SECONDS   the GFLOP/s of bare multiply-adds on as many threads, without calls
//
// Both files hold float32, little-endian. bench.py builds this program once a
// network, with the import of lenet5 replaced.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	net "github.com/cnnc-dev/cnnc/generated/lenet5"
	"github.com/cnnc-dev/cnnc/runtime"
)

// started is what the first line says.
type started struct {
	LoadMS      float64 `json:"load_ms"`      // from the weights' file to a session
	PeakBytes   int64   `json:"peak_bytes"`   // of resident memory so far
	BinaryBytes int64   `json:"binary_bytes"` // of the program
}

// calls is the answer to run.
type calls struct {
	US         []float64 `json:"us"`          // one a call
	PeakGFLOPS float64   `json:"peak_gflops"` // of bare multiply-adds, at the clock the calls leave
}

// peakTime is short: within a millisecond of bare multiply-adds the processor raises the
// clock that the calls had.
const peakTime = 200 * time.Microsecond

func main() {
	log.SetFlags(0)
	if len(os.Args) != 6 {
		log.Fatal("usage: worker WEIGHTS THREADS BATCH INPUT OUTPUT")
	}
	if err := work(os.Args[1], number(os.Args[2]), number(os.Args[3]), os.Args[4], os.Args[5]); err != nil {
		log.Fatal(err)
	}
}

func work(weights string, threads, batch int, input, output string) error {
	src, dst := make([]float32, batch*net.InputLen), make([]float32, batch*net.OutputLen)
	if err := read(input, src); err != nil {
		return err
	}

	start := time.Now()
	model, err := net.Load(weights)
	if err != nil {
		return err
	}
	session := model.NewSession(runtime.Threads(threads), runtime.Batch(batch))
	defer session.Close()
	s := started{LoadMS: time.Since(start).Seconds() * 1e3}
	forward := func() error { return session.ForwardBatch(dst, src, batch) }
	if err := forward(); err != nil {
		return err
	}

	if s.PeakBytes, err = peakMemory(); err != nil {
		return err
	}
	if s.BinaryBytes, err = binarySize(); err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(s); err != nil {
		return err
	}
	if err := write(output, dst); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var command string
		var seconds float64
		if _, err := fmt.Sscan(lines.Text(), &command, &seconds); err != nil {
			return err
		}
		d := time.Duration(seconds * float64(time.Second))
		var answer any
		switch command {
		case "run":
			us, err := run(forward, d)
			if err != nil {
				return err
			}
			answer = calls{us, runtime.MeasurePeak(threads, peakTime) / 1e9}
		case "peak":
			answer = runtime.MeasurePeak(threads, d) / 1e9
		default:
			return fmt.Errorf("unknown command %q", command)
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

// run times calls for d. The first finds the caches as another program left them; it
// counts only if it takes so long that it is the only one.
func run(call func() error, d time.Duration) (times []float64, err error) {
	for start := time.Now(); ; {
		before := time.Now()
		if err := call(); err != nil {
			return nil, err
		}
		now := time.Now()
		times = append(times, float64(now.Sub(before))/float64(time.Microsecond))
		if now.Sub(start) > d {
			return times[min(1, len(times)-1):], nil
		}
	}
}

// peakMemory reads VmHWM: the rusage of a process has that of its parent in it.
func peakMemory() (bytes int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscanf(rest, "%d kB", &bytes)
	return bytes << 10, err
}

func binarySize() (bytes int64, err error) {
	path, err := os.Executable()
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		log.Fatalf("%q: want a number of 1 or more", s)
	}
	return n
}

func read(path string, into []float32) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return binary.Read(bytes.NewReader(data), binary.LittleEndian, into)
}

func write(path string, from []float32) error {
	var data bytes.Buffer
	if err := binary.Write(&data, binary.LittleEndian, from); err != nil {
		return err
	}
	return os.WriteFile(path, data.Bytes(), 0o666)
}
