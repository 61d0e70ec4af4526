// Package elaborate turns a syntax tree into a graph: it evaluates parameters,
// constants, conditions, loops and blocks, names every layer, infers every
// shape, and says what is wrong, where, with the second place that explains it.
//
// A spec is a program that runs here, at compile time, on tensors that have a
// shape and no contents. What it does to them is the graph.
package elaborate

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// What a spec may ask for. Networks that people run stay far below; what lies
// above is a mistake, and must end in a message and not in a full memory.
const (
	maxSteps  = 1_000_000 // statements, expressions and turns of loops
	maxDepth  = 200       // calls within calls
	maxValues = 20_000    // operations of a graph
	maxList   = 100_000   // values in a list, those of its lists included
	maxString = 10_000    // bytes of a string
	maxName   = 500       // bytes of a layer's full name
	maxErrors = 50        // diagnostics of one run
	// maxRepeated is how often mistakes may come up again, in a loop, before it
	// is enough.
	maxRepeated = 1000
)

// Override sets a parameter of a net from outside: -D classes=10.
type Override struct {
	Name  string
	Value string // an expression of constants in the language's syntax
}

// Net elaborates a net of a file with the given overrides. The file is one of the
// user's, or of the library with LibraryPrefix. If net is "", it is the one named
// like the file, or else the file's first. The graph is nil if
// the list has errors; warnings ride along with a graph.
func Net(l *Loader, file, net string, overrides ...Override) (*ir.Graph, diag.List) {
	e := newElab(l)
	root := e.load(file)
	if root == nil {
		return nil, e.diags
	}
	n := e.findNet(root, net)
	if n == nil {
		return nil, e.diags
	}
	e.b = ir.NewBuilder(n.title())
	e.runRoot(n, overrides)
	g := e.finish(file)
	if e.diags.HasErrors() {
		return nil, e.diags
	}
	return g, e.diags
}

// elab is the state of one elaboration.
type elab struct {
	loader *Loader
	files  map[ref]*fileEnv
	read   []*fileEnv // the files in the order in which they were read
	// loading names the files being read, each used by the one before it.
	loading []ref
	nets    map[*dsl.Net]*userNet
	b       *ir.Builder // nil while only declarations are read

	diags    diag.List
	reported map[reportKey]bool
	repeated int // diagnostics left out because they were there already
	quiet    int // > 0: nothing is reported and no operation is made

	steps   int
	stopped bool // a limit was hit: nothing goes on
	loops   []running
	frames  []*frame

	names   map[string]owner
	repeats map[string]int
	opened  map[string]diag.Span // scopes by full name, where first opened
	scopes  map[string]bool      // those recorded in the graph
	used    []bool               // by value: has a user or is an output

	inputs   []input
	outputs  []output
	pre      *preprocess
	labelled *labelList
	varied   bool // the network is not the net as it is written: -D or an alias set parameters
}

// running is a for loop being run.
type running struct {
	at    diag.Span
	turns int64
}

type reportKey struct {
	code string
	span diag.Span
}

func newElab(l *Loader) *elab {
	return &elab{
		loader:   l,
		files:    map[ref]*fileEnv{},
		nets:     map[*dsl.Net]*userNet{},
		reported: map[reportKey]bool{},
		names:    map[string]owner{},
		repeats:  map[string]int{},
		opened:   map[string]diag.Span{},
		scopes:   map[string]bool{},
	}
}

// report adds a diagnostic, once a code and place: what is wrong in a block is
// wrong in every use of it. If the place lies inside a call, the call in the
// net's own body is pointed out too.
func (e *elab) report(d *diag.Diagnostic) {
	if e.quiet > 0 {
		e.spend(100, d.Span) // making a message takes that long
		return
	}
	if e.stopped {
		return // what follows a limit is its consequence
	}
	key := reportKey{d.Code, d.Span}
	if e.reported[key] || len(e.diags) >= maxErrors {
		if e.repeated++; e.repeated > maxRepeated {
			e.stopped = true
		}
		return
	}
	e.reported[key] = true
	if outer := e.outerCall(); outer != nil {
		d.Related = append(d.Related, diag.Related{Span: outer.call, Note: "called from here, as " + outer.what})
	}
	e.diags = append(e.diags, d)
}

// outerCall returns the outermost call that is running, or nil.
func (e *elab) outerCall() *frame {
	for i, f := range e.frames {
		if f.inNet && i+1 < len(e.frames) && e.frames[i+1].call.Start.IsValid() {
			return e.frames[i+1]
		}
	}
	return nil
}

// stop reports a limit and ends everything.
func (e *elab) stop(d *diag.Diagnostic) {
	if !e.stopped {
		e.quiet = 0
		e.report(d)
	}
	e.stopped = true
}

// quietly runs f without reporting anything or making operations. Only a limit
// ends the quiet.
func (e *elab) quietly(f func()) {
	before := e.quiet
	e.quiet++
	f()
	e.quiet = before
}

// step counts one step of the spec's program and reports false when it has run
// long enough.
func (e *elab) step(at diag.Span) bool { return e.spend(1, at) }

// spend counts n steps.
func (e *elab) spend(n int, at diag.Span) bool {
	if e.stopped {
		return false
	}
	if e.steps += n; e.steps <= maxSteps {
		return true
	}
	if l := e.busiest(); l != nil {
		e.stop(errEndless(l.at, l.turns))
	} else {
		e.stop(errTooLong(at))
	}
	return false
}

// busiest returns the running loop that has turned most often, or nil.
func (e *elab) busiest() *running {
	var most *running
	for i := range e.loops {
		if l := &e.loops[i]; most == nil || l.turns > most.turns {
			most = l
		}
	}
	return most
}

func (e *elab) top() *frame { return e.frames[len(e.frames)-1] }

// enter starts a frame, unless calls are nested too deep.
func (e *elab) enter(f *frame) bool {
	if len(e.frames) >= maxDepth {
		e.stop(errTooDeep(f.call, f.what))
		return false
	}
	e.frames = append(e.frames, f)
	return true
}

func (e *elab) leave() { e.frames = e.frames[:len(e.frames)-1] }

// list makes a list, unless it gets too long or an element is bad.
func (e *elab) list(elems []value, at diag.Span) value {
	if anyBad(elems...) {
		return bad{}
	}
	l := list{elems: elems, tensors: len(elems) > 0}
	for _, v := range elems {
		if in, ok := v.(list); ok {
			l.weight += in.weight
		}
		l.weight++
		l.tensors = l.tensors && holdsTensor(v)
		if l.weight > maxList {
			e.stop(errTooLarge(at, "a list", maxList, "values"))
			return bad{}
		}
	}
	if !e.spend(len(elems), at) {
		return bad{}
	}
	return l
}

// str makes a string, unless it gets too long.
func (e *elab) str(s string, at diag.Span) value {
	if len(s) > maxString {
		e.stop(errTooLarge(at, "a string", maxString, "bytes"))
		return bad{}
	}
	return s
}

// finish completes the graph.
func (e *elab) finish(source string) *ir.Graph {
	if e.diags.HasErrors() {
		return nil
	}
	e.checkUsed()
	g, err := e.b.Graph()
	if err != nil {
		e.report(errInternal(err))
		return nil
	}
	g.Source = source
	e.finishContract(g)
	return g
}
