package main

import (
	"fmt"
	"time"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/roofline"
	"github.com/cnnc-dev/cnnc/compiler/verify"
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
	// PeakGFLOPS is the median rate of bare multiply-adds on as many threads, right after calls.
	PeakGFLOPS float64 `json:"peak_gflops"`
	Share      float64 `json:"share"` // GFLOPS / PeakGFLOPS

	// With --layers.
	TilePeakGFLOPS float64      `json:"tile_peak_gflops,omitempty"` // as PeakGFLOPS, of tiles
	MemoryGBS      float64      `json:"memory_gb_s,omitempty"`      // read of memory of the network's size, and of private caches
	CacheGBS       float64      `json:"cache_gb_s,omitempty"`
	Layers         []benchLayer `json:"layers,omitempty"`
}

type benchLayer struct {
	Name      string         `json:"name"`
	Op        string         `json:"op"`
	Algorithm string         `json:"algorithm,omitempty"`
	In        []int          `json:"in"` // the first argument's shape
	Out       []int          `json:"out"`
	MACs      int64          `json:"macs"`
	MedianUS  float64        `json:"median_us"` // in microseconds
	GFLOPS    float64        `json:"gflops"`
	Share     float64        `json:"share"`    // of the peak
	BoundUS   float64        `json:"bound_us"` // see package roofline
	BoundBy   roofline.Limit `json:"bound_by"`
	OfBound   float64        `json:"of_bound"` // BoundUS / MedianUS
}

func (c *benchCmd) Run(a *app) error {
	if err := inRange("batch", c.Batch, 1, maxBatch); err != nil {
		return err
	}
	for _, n := range c.Threads {
		if err := inRange("threads", n, 1, maxThreads); err != nil {
			return err
		}
	}
	r, err := c.compile(a, compiler.Options{})
	if err != nil {
		return err
	}
	model, err := exec.Load(r.Plan, verify.Random(r.Elaborated))
	if err != nil {
		return err
	}
	if err := checkMemory(model, c.Batch, c.Threads); err != nil {
		return fmt.Errorf("--batch %d: %w", c.Batch, err)
	}
	out := benchReport{Net: r.Plan.Name, Batch: c.Batch, MACs: r.Plan.MACs}
	trials := make([]*trial, len(c.Threads))
	for i, threads := range c.Threads {
		if trials[i], err = newTrial(model, threads, c.Batch, c.Layers); err != nil {
			return err
		}
		defer trials[i].session.Close()
	}
	// In turns, so that whatever else the machine does meets all of them alike.
	for end := time.Now().Add(c.Time * time.Duration(len(trials))); ; {
		for _, t := range trials {
			if err := t.turn(); err != nil {
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
	for i := range b.Runs {
		if r := &b.Runs[i]; r.Layers != nil {
			r.printLayers(a)
		}
	}
}

func (r *benchRun) printLayers(a *app) {
	compute := fmt.Sprintf("%.1f GFLOP/s", r.PeakGFLOPS)
	if r.TilePeakGFLOPS > 0 {
		compute += fmt.Sprintf(" (tiles %.1f)", r.TilePeakGFLOPS)
	}
	fmt.Fprintf(a.stdout, "\nlayers on %d thread(s), in microseconds; bounds at %s, %.1f GB/s from memory, %.0f GB/s from caches\n",
		r.Threads, compute, r.MemoryGBS, r.CacheGBS)
	columns := []report.Column{{Title: "layer"}, {Title: "op"}, {Title: "algorithm"}, {Title: "time", Right: true},
		{Title: "share", Right: true}, {Title: "bound", Right: true}, {Title: "by"}, {Title: "of bound", Right: true}}
	row := func(name, op, algorithm string, took, bound float64, by string) []string {
		return []string{name, op, algorithm, fmt.Sprintf("%.1f", took), percent(took / 1000 / r.MedianMS),
			fmt.Sprintf("%.1f", bound), by, percent(bound / took)}
	}
	var rows [][]string
	var took, bound float64
	for _, l := range r.Layers {
		rows = append(rows, row(l.Name, l.Op, l.Algorithm, l.MedianUS, l.BoundUS, string(l.BoundBy)))
		took += l.MedianUS
		bound += l.BoundUS
	}
	report.Table(a.stdout, columns, rows, row("total", "", "", took, bound, ""))
}

func ms(v float64) string { return fmt.Sprintf("%.3g ms", v) }

func percent(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }
