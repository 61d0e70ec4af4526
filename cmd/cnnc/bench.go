package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime"
)

type benchCmd struct {
	specArgs `embed:""`
	Threads  []int         `default:"1" help:"Thread counts to measure, separated by commas; measured in turns."`
	Batch    int           `default:"1" help:"Images of a call."`
	Time     time.Duration `default:"3s" help:"How long to measure each thread count."`
	Layers   bool          `help:"Print every layer's time, too."`
	JSON     bool          `name:"json" help:"Print JSON."`
}

// benchReport is what cnnc bench --json prints. Times are in milliseconds,
// rates in 1e9 floating-point operations a second, two a multiply-accumulate.
type benchReport struct {
	Net   string     `json:"net"`
	Batch int        `json:"batch"`
	MACs  int64      `json:"macs"` // of one image
	Runs  []benchRun `json:"runs"` // one a thread count
}

type benchRun struct {
	Threads  int     `json:"threads"`
	Calls    int     `json:"calls"`
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	P90MS    float64 `json:"p90_ms"`
	GFLOPS   float64 `json:"gflops"` // at the median
	// PeakGFLOPS is the median rate of bare multiply-adds on as many threads,
	// measured between the calls.
	PeakGFLOPS float64      `json:"peak_gflops"`
	Share      float64      `json:"share"` // GFLOPS / PeakGFLOPS
	Layers     []benchLayer `json:"layers,omitempty"`
}

type benchLayer struct {
	Name     string  `json:"name"`
	Op       string  `json:"op"`
	MedianUS float64 `json:"median_us"` // in microseconds
	GFLOPS   float64 `json:"gflops"`
	Share    float64 `json:"share"` // of the peak
}

func (c *benchCmd) Run(a *app) error {
	if c.Batch < 1 {
		return driver.Usagef("--batch %d: want 1 or more", c.Batch)
	}
	if slices.Min(c.Threads) < 1 {
		return driver.Usagef("--threads: want 1 or more")
	}
	r, err := c.compile(a, compiler.Options{})
	if err != nil {
		return err
	}
	model, err := exec.Load(r.Plan, verify.Random(r.Plan.Tensors))
	if err != nil {
		return err
	}
	out := benchReport{Net: r.Plan.Name, Batch: c.Batch, MACs: r.Plan.MACs}
	trials := make([]*trial, len(c.Threads))
	for i, threads := range c.Threads {
		trials[i] = newTrial(model, threads, c.Batch, c.Layers)
		defer trials[i].session.Close()
	}
	// In turns, so that whatever else the machine does meets all of them alike.
	for end := time.Now().Add(c.Time * time.Duration(len(trials))); ; {
		for _, t := range trials {
			if err := t.call(); err != nil {
				return err
			}
		}
		if time.Now().After(end) && len(trials[0].calls) >= minCalls {
			break
		}
	}
	for _, t := range trials {
		out.Runs = append(out.Runs, t.result())
	}
	if c.JSON {
		return report.JSON(a.stdout, out)
	}
	out.print(a)
	return nil
}

const (
	minCalls  = 5
	warmUps   = 2
	peakBurst = 2 * time.Millisecond
)

// trial measures a model at one thread count.
type trial struct {
	plan     *plan.Plan
	threads  int
	batch    int
	session  *exec.Session
	dst, src [][]float32

	calls []time.Duration
	peaks []float64 // FLOP/s
	steps [][]time.Duration
}

func newTrial(m *exec.Model, threads, batch int, layers bool) *trial {
	t := &trial{plan: m.Plan(), threads: threads, batch: batch, session: m.NewSession(runtime.Threads(threads), runtime.Batch(batch))}
	for _, in := range t.plan.Inputs {
		t.src = append(t.src, verify.Seeded(in.Name, batch*in.Shape.Elems(), -1, 1))
	}
	for _, out := range t.plan.Outputs {
		t.dst = append(t.dst, make([]float32, batch*out.Shape.Elems()))
	}
	if layers {
		t.steps = make([][]time.Duration, len(t.plan.Steps))
		var last time.Time
		t.session.After = func(step int) {
			now := time.Now()
			if 0 <= step && step < len(t.steps) {
				t.steps[step] = append(t.steps[step], now.Sub(last))
			}
			last = now
		}
	}
	return t
}

// call measures the peak and then one call; the first few calls only warm up.
func (t *trial) call() error {
	for len(t.calls) == 0 && len(t.peaks) < warmUps {
		if err := t.session.Forward(t.dst, t.src, t.batch); err != nil {
			return err
		}
		t.peaks = append(t.peaks, runtime.MeasurePeak(t.threads, peakBurst))
	}
	t.peaks = append(t.peaks, runtime.MeasurePeak(t.threads, peakBurst))
	start := time.Now()
	if err := t.session.Forward(t.dst, t.src, t.batch); err != nil {
		return err
	}
	t.calls = append(t.calls, time.Since(start))
	return nil
}

func (t *trial) result() benchRun {
	peak := quantile(t.peaks, 0.5)
	median := quantile(t.calls, 0.5)
	r := benchRun{
		Threads: t.threads, Calls: len(t.calls),
		MedianMS: milliseconds(median), MinMS: milliseconds(slices.Min(t.calls)), P90MS: milliseconds(quantile(t.calls, 0.9)),
		PeakGFLOPS: peak / 1e9,
	}
	r.GFLOPS = 2 * float64(t.plan.MACs) * float64(t.batch) / median.Seconds() / 1e9
	r.Share = r.GFLOPS / r.PeakGFLOPS
	for i, times := range t.steps {
		s := &t.plan.Steps[i]
		took := quantile(times, 0.5)
		l := benchLayer{Name: s.Name, Op: s.Describe(), MedianUS: float64(took) / float64(time.Microsecond)}
		l.GFLOPS = 2 * float64(s.MACs) * float64(t.batch) / max(took.Seconds(), 1e-9) / 1e9
		l.Share = l.GFLOPS / r.PeakGFLOPS
		r.Layers = append(r.Layers, l)
	}
	return r
}

// quantile returns the value below which a share q of all values lie.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (b *benchReport) print(a *app) {
	fmt.Fprintf(a.stdout, "%s, batch %d, random weights\n", b.Net, b.Batch)
	columns := []report.Column{{Title: "threads", Right: true}, {Title: "median", Right: true}, {Title: "best", Right: true}, {Title: "90%", Right: true},
		{Title: "GFLOP/s", Right: true}, {Title: "of peak", Right: true}, {Title: "peak", Right: true}, {Title: "calls", Right: true}}
	var rows [][]string
	for _, r := range b.Runs {
		rows = append(rows, []string{fmt.Sprint(r.Threads), ms(r.MedianMS), ms(r.MinMS), ms(r.P90MS),
			fmt.Sprintf("%.1f", r.GFLOPS), percent(r.Share), fmt.Sprintf("%.1f", r.PeakGFLOPS), fmt.Sprint(r.Calls)})
	}
	report.Table(a.stdout, columns, rows, nil)
	for _, r := range b.Runs {
		if r.Layers == nil {
			continue
		}
		fmt.Fprintf(a.stdout, "\nlayers on %d thread(s)\n", r.Threads)
		columns := []report.Column{{Title: "layer"}, {Title: "op"}, {Title: "median", Right: true}, {Title: "of total", Right: true}, {Title: "GFLOP/s", Right: true}, {Title: "of peak", Right: true}}
		var rows [][]string
		for _, l := range r.Layers {
			rows = append(rows, []string{l.Name, l.Op, fmt.Sprintf("%.1f us", l.MedianUS), percent(l.MedianUS / 1000 / r.MedianMS),
				fmt.Sprintf("%.1f", l.GFLOPS), percent(l.Share)})
		}
		report.Table(a.stdout, columns, rows, nil)
	}
}

func ms(v float64) string { return fmt.Sprintf("%.3g ms", v) }

func percent(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }
