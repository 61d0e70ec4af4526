package amx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// need skips a test where there are no tiles; or fails it, if CNNC_REQUIRE_ISA names amx.
func need(t testing.TB) {
	t.Helper()
	if cpu.Tiles() {
		return
	}
	const without = "this machine, its system or this build is without AMX"
	if slices.Contains(strings.Split(os.Getenv("CNNC_REQUIRE_ISA"), ","), "amx") {
		t.Fatal("CNNC_REQUIRE_ISA names amx; " + without)
	}
	t.Skip(without)
}

// memory is where a test's slices come from.
type memory func(n int) []float32

func ordinary(n int) []float32 { return make([]float32, n) }

// guarded is memory that ends, or begins, where a page traps.
func guarded(t testing.TB) map[string]memory {
	return map[string]memory{
		"end":       func(n int) []float32 { return guard.After(t, n) },
		"beginning": func(n int) []float32 { return guard.Before(t, n) },
	}
}

func (m memory) floats(rng *rand.Rand, n int) []float32 {
	x := m(n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// parts returns room for an even number of parts, of which none is zero.
func (m memory) parts(n int) []uint16 {
	x := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(m(n/2)))), n)
	for i := range x {
		x[i] = untouchedPart
	}
	return x
}

// What memory holds that a kernel must not write.
const (
	untouched     = -777.25
	untouchedPart = 0x4321
)

// emulate is what Split.Run should do.
func (s *Split) emulate() {
	for i := range s.Rows {
		for b := range blocks(s.K) {
			for r := range Depth {
				var x float32
				if k := b*Depth + r; k < s.K {
					x = s.Src[i*s.Pitch+k]
				}
				for p, part := range split3(x) {
					s.Dst[(b*Parts+p)*s.Plane+i*line+2*(r%16)+r/16] = part
				}
			}
		}
	}
}

func split3(x float32) (parts [Parts]uint16) {
	for p := range parts[:Parts-1] {
		rounded := (math.Float32bits(x) + 0x8000) &^ 0xffff
		parts[p] = uint16(rounded >> 16)
		x -= math.Float32frombits(rounded)
	}
	parts[Parts-1] = uint16(math.Float32bits(x) >> 16)
	return parts
}

func wide(part uint16) float32 { return math.Float32frombits(uint32(part) << 16) }

func TestSplit(t *testing.T) {
	need(t)
	for name, place := range guarded(t) {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			for k := 1; k <= 100; k++ {
				for _, rows := range []int{1, 2, 3 + k%7} {
					s := Split{Rows: rows, K: k, Pitch: k + rng.IntN(20), Plane: (rows + rng.IntN(4)) * line}
					s.Src = place.floats(rng, (rows-1)*s.Pitch+k)
					for i := range s.Src {
						s.Src[i] *= float32(math.Ldexp(1, rng.IntN(200)-100))
					}
					n := (Parts*blocks(k)-1)*s.Plane + rows*line
					s.Dst = place.parts(n)
					want := s
					want.Dst = memory(ordinary).parts(n)
					s.Run()
					want.emulate()
					for i := range s.Dst {
						if s.Dst[i] != want.Dst[i] {
							t.Fatalf("%d rows of %d: element %d is %#x, want %#x", rows, k, i, s.Dst[i], want.Dst[i])
						}
					}
				}
			}
		})
	}
}

// splitRow returns the parts of x, which is one row.
func splitRow(x []float32) func(k int) [Parts]uint16 {
	s := Split{Dst: make([]uint16, PackedDepth(len(x))), Plane: line, Src: x, Pitch: len(x), Rows: 1, K: len(x)}
	s.Run()
	return func(k int) (parts [Parts]uint16) {
		for p := range parts {
			parts[p] = s.Dst[(k/Depth*Parts+p)*line+2*(k%16)+k%Depth/16]
		}
		return parts
	}
}

func TestPartsAreExact(t *testing.T) {
	need(t)
	rng := rand.New(rand.NewPCG(2, 2))
	x := []float32{0, 1, -1, 0x1.fffffep0, 0x1.010101p0, 0x1.ff7ffep-3, 0x1.00fffep5, 1e-30, -3.38e38}
	for len(x) < 1<<16 {
		if f := math.Float32frombits(rng.Uint32()); abs(f) > 1e-30 && abs(f) < 3.38e38 {
			x = append(x, f)
		}
	}
	at := splitRow(x)
	for k, x := range x {
		sum := 0.0
		for _, part := range at(k) {
			sum += float64(wide(part))
		}
		if sum != float64(x) {
			t.Fatalf("the parts %x of %x add up to %x", at(k), x, sum)
		}
	}
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

// Any NaN has a part that is one, and infinities, or what rounds to one, have parts that
// add up to NaN.
func TestPartsOfNaN(t *testing.T) {
	need(t)
	x := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32}
	for _, bits := range []uint32{0x7fc00000, 0x7fffffff, 0xffffffff, 0xffc00000, 0x7fff8000, 0x7f800001} {
		x = append(x, math.Float32frombits(bits))
	}
	at := splitRow(x)
	for k, x := range x {
		parts := at(k)
		if sum := wide(parts[0]) + wide(parts[1]) + wide(parts[2]); sum == sum {
			t.Errorf("the parts of %#x are %#x", math.Float32bits(x), parts)
		}
	}
}

// problem is a Call and the numbers that its A and B are parts of.
type problem struct {
	Call
	k    int
	x, w []float32 // [rows of A][k], [Taps][Blocks*Depth][Width]
}

type size struct{ tileRows, strips, taps, blocks, cols int }

func random(rng *rand.Rand, place memory, s size) *problem {
	c := &problem{k: (s.blocks-1)*Depth + 1 + rng.IntN(Depth)}
	c.TileRows, c.Blocks, c.Cols = s.tileRows, s.blocks, s.cols
	rows, shift := s.strips*2*s.tileRows, 0
	for range s.taps {
		c.Taps = append(c.Taps, rng.IntN(40))
		shift = max(shift, c.Taps[len(c.Taps)-1])
	}
	c.Plane = (rows + shift + rng.IntN(3)) * line
	c.A = place.parts((Parts*c.Blocks-1)*c.Plane + (rows+shift)*line)
	c.x = memory(ordinary).floats(rng, (rows+shift)*c.k)
	c.w = memory(ordinary).floats(rng, s.taps*c.Blocks*Depth*Width)
	c.B = place.parts(s.taps * c.Blocks * BlockLen)
	c.pack()

	out := rng.Perm(rows + 3)[:rows]
	c.Rows = unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(place(rows)))), rows)
	last := 0
	for i := range c.Rows {
		c.Rows[i] = int32(out[i])
		if rng.IntN(8) == 0 {
			c.Rows[i] = -1 - int32(rng.IntN(2))
		}
		last = max(last, int(c.Rows[i]))
	}
	c.LDC, c.LDR = c.Cols+rng.IntN(10), c.Cols+rng.IntN(10)
	c.Bias = place.floats(rng, Width)
	c.C = place(last*c.LDC + c.Cols)
	for i := range c.C {
		c.C[i] = untouched
	}
	if rng.IntN(2) == 0 {
		c.Residual = place.floats(rng, last*c.LDR+c.Cols)
	}
	c.Lo, c.Hi = float32(math.Inf(-1)), float32(math.Inf(1))
	switch rng.IntN(3) {
	case 1:
		c.Lo = 0
	case 2:
		c.Lo, c.Hi = -1, 2
	}
	if rng.IntN(2) == 0 {
		c.Next = make([]uint16, rng.IntN(20000))
	}
	c.Sums = place(SumsLen)
	return c
}

// pack makes A and B of x and w.
func (c *problem) pack() {
	s := Split{Dst: c.A, Plane: c.Plane, Src: c.x, Pitch: c.k, Rows: len(c.x) / c.k, K: c.k}
	s.Run()
	w := make([]float32, Depth*Width)
	for b := range len(c.Taps) * c.Blocks {
		for k := range Depth {
			for half := range 2 {
				copy(w[WeightPlace(k, half)*16:][:16], c.w[(b*Depth+k)*Width+half*16:])
			}
		}
		PackBlock(c.B[b*BlockLen:][:BlockLen], w)
	}
}

// want is column j of row i in float64, and the sum of the terms' sizes.
func (c *problem) want(i, j int) (sum, size float64) {
	add := func(x float64) { sum, size = sum+x, size+math.Abs(x) }
	for t, at := range c.Taps {
		for k := range c.k {
			add(float64(c.x[(at+i)*c.k+k]) * float64(c.w[(t*c.Blocks*Depth+k)*Width+j]))
		}
	}
	add(float64(c.Bias[j]))
	if c.Residual != nil {
		add(float64(c.Residual[int(c.Rows[i])*c.LDR+j]))
	}
	return min(max(sum, float64(c.Lo)), float64(c.Hi)), size
}

// emulate is column j of row i, in the order in which the kernel adds.
func (c *problem) emulate(i, j int) float32 {
	var sum float32
	at := 0
	for _, t := range c.Taps {
		for b := range c.Blocks {
			for _, pair := range [...][2]int{{1, 1}, {0, 1}, {0, 2}, {0, 0}, {1, 0}, {2, 0}} {
				a := c.A[(b*Parts+pair[0])*c.Plane+(t+i)*line:][:line]
				w := c.B[at+(j/16*Parts+pair[1])*16*line+j%16*2:]
				var first, second float32
				for r := range 16 {
					first += wide(a[2*r]) * wide(w[r*line])
					second += wide(a[2*r+1]) * wide(w[r*line+1])
				}
				sum += first + second
			}
			at += BlockLen
		}
	}
	sum += c.Bias[j]
	if c.Residual != nil {
		sum += c.Residual[int(c.Rows[i])*c.LDR+j]
	}
	return min(max(sum, c.Lo), c.Hi)
}

// check runs a problem. A sum may be off by what products leave out, 2^-23 of each, and by
// the roundings of additions, whose errors cancel for the most part.
func check(t *testing.T, c *problem) {
	t.Helper()
	const tolerance = 8 * 0x1p-24
	c.Run()
	written := make([]bool, len(c.C))
	for i, row := range c.Rows {
		for j := range c.Cols {
			if row < 0 {
				continue
			}
			at := int(row)*c.LDC + j
			written[at] = true
			got := c.C[at]
			want, size := c.want(i, j)
			if e := math.Abs(float64(got) - want); !(e <= size*tolerance) {
				t.Fatalf("row %d column %d: %g, want %g: off by %.3g, may be off by %.3g", i, j, got, want, e, size*tolerance)
			}
			if want := c.emulate(i, j); got != want {
				t.Fatalf("row %d column %d: %x, want %x", i, j, got, want)
			}
		}
	}
	for i, got := range c.C {
		if !written[i] && got != untouched {
			t.Fatalf("wrote column %d of row %d, %d columns are to be written of some rows", i%c.LDC, i/c.LDC, c.Cols)
		}
	}
}

func TestCall(t *testing.T) {
	need(t)
	rng := rand.New(rand.NewPCG(3, 3))
	for tileRows := 1; tileRows <= TileRows; tileRows++ {
		for cols := 1; cols <= Width; cols++ {
			s := size{tileRows, 1 + rng.IntN(3), 1 + rng.IntN(4), 1 + rng.IntN(5), cols}
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { check(t, random(rng, ordinary, s)) })
		}
	}
	t.Run("long", func(t *testing.T) { check(t, random(rng, ordinary, size{16, 2, 9, 30, 32})) })
}

func TestCallStaysInside(t *testing.T) {
	need(t)
	for name, place := range guarded(t) {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(4, 4))
			for tileRows := 1; tileRows <= TileRows; tileRows++ {
				for _, cols := range []int{1, 15, 16, 17, 31, 32} {
					check(t, random(rng, place, size{tileRows, 1 + rng.IntN(3), 1 + rng.IntN(2), 1 + rng.IntN(3), cols}))
				}
			}
		})
	}
}

func TestResidualInPlace(t *testing.T) {
	need(t)
	rng := rand.New(rand.NewPCG(5, 5))
	c := random(rng, ordinary, size{7, 2, 1, 2, 29})
	c.LDR = c.LDC
	c.Residual = memory(ordinary).floats(rng, len(c.C))
	in := slices.Clone(c.Residual)
	c.Run()
	want := slices.Clone(c.C)
	c.C, c.Residual = in, in
	c.Run()
	for i, got := range c.C {
		if want[i] != untouched && got != want[i] {
			t.Fatalf("element %d: %g in place, %g apart", i, got, want[i])
		}
	}
}

// How rows make tiles changes no bit.
func TestTilesAgree(t *testing.T) {
	need(t)
	rng := rand.New(rand.NewPCG(6, 6))
	c := random(rng, ordinary, size{TileRows, 3, 3, 3, Width})
	const rows = 2 * TileRows * 2 // the third strip is room for whole strips of any size
	c.C = make([]float32, rows*c.LDC+c.Cols)
	c.Residual = nil
	var want []float32
	for c.TileRows = TileRows; c.TileRows >= 1; c.TileRows-- {
		strip := 2 * c.TileRows
		c.Rows = make([]int32, (rows+strip-1)/strip*strip)
		for i := range c.Rows {
			c.Rows[i] = int32(i)
			if i >= rows {
				c.Rows[i] = -1
			}
		}
		clear(c.C)
		c.Run()
		if want == nil {
			want = slices.Clone(c.C)
		}
		if !slices.Equal(c.C, want) {
			t.Errorf("tiles of %d rows differ from tiles of %d", c.TileRows, TileRows)
		}
	}
}

func TestNaNStays(t *testing.T) {
	need(t)
	nan := float32(math.NaN())
	for _, where := range []string{"A", "B", "Bias", "Residual"} {
		rng := rand.New(rand.NewPCG(7, 7))
		c := random(rng, ordinary, size{3, 1, 1, 1, 20})
		c.LDC, c.LDR = c.Cols, c.Cols
		for i := range c.Rows {
			c.Rows[i] = int32(i)
		}
		c.C = make([]float32, len(c.Rows)*c.LDC)
		c.Residual = memory(ordinary).floats(rng, len(c.C))
		c.Lo, c.Hi = 0, 6
		const row, col, k = 4, 17, 0
		map[string][]float32{"A": c.x[(c.Taps[0]+row)*c.k+k:], "B": c.w[k*Width+col:], "Bias": c.Bias[col:], "Residual": c.Residual[row*c.LDR+col:]}[where][0] = nan
		c.pack()
		c.Run()
		for i := range c.Rows {
			for j := range c.Cols {
				want := map[string]bool{"A": i == row, "B": j == col, "Bias": j == col, "Residual": i == row && j == col}[where]
				if got := c.C[i*c.LDC+j]; (got != got) != want {
					t.Errorf("NaN in %s: row %d column %d is %g", where, i, j, got)
				}
			}
		}
	}
}

// Tiles belong to a thread, and survive what interrupts it.
func TestParallel(t *testing.T) {
	need(t)
	var wait sync.WaitGroup
	for g := range 4 {
		c := random(rand.New(rand.NewPCG(10, uint64(g))), ordinary, size{16 - 3*g, 2, 2, 3, Width})
		c.Residual = nil
		c.Run()
		want := slices.Clone(c.C)
		wait.Go(func() {
			for range 2000 {
				clear(c.C)
				c.Run()
				for i, got := range c.C {
					if want[i] != untouched && got != want[i] {
						t.Errorf("element %d: %g beside others, %g alone", i, got, want[i])
						return
					}
				}
			}
		})
	}
	for range 20 {
		runtime.GC()
	}
	wait.Wait()
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

func TestCallIsChecked(t *testing.T) {
	need(t)
	for name, spoil := range map[string]func(c *Call){
		"no tile":         func(c *Call) { c.TileRows = 0 },
		"large tile":      func(c *Call) { c.TileRows = TileRows + 1; c.Rows = make([]int32, 2*c.TileRows) },
		"no rows":         func(c *Call) { c.Rows = nil },
		"half a strip":    func(c *Call) { c.Rows = c.Rows[:len(c.Rows)-1] },
		"row":             func(c *Call) { c.Rows[2] = int32(len(c.Rows)) + 10 },
		"no taps":         func(c *Call) { c.Taps = nil },
		"tap before A":    func(c *Call) { c.Taps[1] = -1 },
		"tap":             func(c *Call) { c.Taps[1] = 50 },
		"no blocks":       func(c *Call) { c.Blocks = 0 },
		"blocks":          func(c *Call) { c.Blocks++ },
		"plane":           func(c *Call) { c.Plane = line },
		"A":               func(c *Call) { c.A = c.A[1:] },
		"B":               func(c *Call) { c.B = c.B[1:] },
		"bias":            func(c *Call) { c.Bias = c.Bias[1:] },
		"no cols":         func(c *Call) { c.Cols = 0 },
		"cols":            func(c *Call) { c.Cols = Width + 1; c.LDC++ },
		"C":               func(c *Call) { c.C = c.C[1:] },
		"backward C":      func(c *Call) { c.LDC = -1 },
		"residual":        func(c *Call) { c.Residual = c.Residual[1:] },
		"empty residual":  func(c *Call) { c.Residual = c.Residual[:0] },
		"backward adding": func(c *Call) { c.LDR = -1 },
		"sums":            func(c *Call) { c.Sums = c.Sums[1:] },
	} {
		rng := rand.New(rand.NewPCG(8, 8))
		c := random(rng, ordinary, size{3, 2, 2, 2, 30})
		c.LDR = c.LDC
		c.Residual = make([]float32, len(c.C))
		spoil(&c.Call)
		if !panics(c.Run) {
			t.Errorf("%s: went unnoticed", name)
		}
	}
}

func TestSplitIsChecked(t *testing.T) {
	need(t)
	for name, spoil := range map[string]func(s *Split){
		"no rows":        func(s *Split) { s.Rows = 0 },
		"rows":           func(s *Split) { s.Rows++ },
		"no k":           func(s *Split) { s.K = 0 },
		"k":              func(s *Split) { s.K++ },
		"backward pitch": func(s *Split) { s.Pitch = -1 },
		"plane":          func(s *Split) { s.Plane-- },
		"dst":            func(s *Split) { s.Dst = s.Dst[1:] },
		"src":            func(s *Split) { s.Src = s.Src[1:] },
	} {
		const rows, k = 4, 40
		s := Split{Dst: make([]uint16, rows*PackedDepth(k)), Plane: rows * line, Src: make([]float32, rows*k), Pitch: k, Rows: rows, K: k}
		spoil(&s)
		if !panics(s.Run) {
			t.Errorf("%s: went unnoticed", name)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	need(t)
	c := random(rand.New(rand.NewPCG(9, 9)), ordinary, size{3, 2, 2, 2, 30})
	s := Split{Dst: c.A, Plane: c.Plane, Src: c.x, Pitch: c.k, Rows: len(c.x) / c.k, K: c.k}
	if n := testing.AllocsPerRun(10, func() { s.Run(); c.Run() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
