// Package pass runs a list of graph transformations: in order, each behind a
// switch, timed, verified, and with panics turned into errors that name
// the culprit. It contains no transformation itself; those are in
// compiler/passes, and their order is in compiler/pipeline.go.
package pass

import (
	"fmt"
	"slices"
	"time"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// Pass is one transformation of a graph.
type Pass struct {
	Name string // as on the command line: fold-batchnorm
	Doc  string // one line
	// Run returns the rewritten graph and leaves its argument as it is.
	Run func(*ir.Graph) (*ir.Graph, error)
	// Required passes cannot be switched off: what follows counts on them.
	Required bool
}

// Order says that one pass must stand before another, and why.
type Order struct{ Before, After, Reason string }

// Event is one finished pass.
type Event struct {
	Pass *Pass
	Took time.Duration
}

// Options are the switches of one run.
type Options struct {
	Disable   []string // names of passes to leave out
	StopAfter string   // the last pass to run; "" for all
}

// Run runs the passes over g in order, verifying the graph before the first and
// after each, and returns the last graph and what ran. Errors are *OptionError
// for a switch that names no pass or a required one, *InternalError for a pass
// that failed.
func Run(g *ir.Graph, passes []Pass, opts Options) (*ir.Graph, []Event, error) {
	if err := opts.check(passes); err != nil {
		return nil, nil, err
	}
	if err := ir.Verify(g); err != nil {
		return nil, nil, &InternalError{Err: fmt.Errorf("the graph before the first pass: %w", err)}
	}
	var events []Event
	for i := range passes {
		p := &passes[i]
		if !slices.Contains(opts.Disable, p.Name) {
			start := time.Now()
			next, err := runOne(g, p)
			if err != nil {
				return nil, events, err
			}
			g = next
			events = append(events, Event{Pass: p, Took: time.Since(start)})
		}
		if p.Name == opts.StopAfter {
			break
		}
	}
	return g, events, nil
}

// runOne runs one pass and verifies what it returned.
func runOne(g *ir.Graph, p *Pass) (out *ir.Graph, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, panicked(p.Name, r)
		}
	}()
	out, err = p.Run(g)
	if err == nil {
		err = ir.Verify(out)
	}
	if err != nil {
		return nil, &InternalError{Pass: p.Name, Err: err}
	}
	return out, nil
}

// EachValue makes a pass of a rewrite of single values, see ir.Rewrite. An error
// or a panic is reported with the value that was being visited.
func EachValue(visit func(*ir.Rewriter, *ir.Value) error) func(*ir.Graph) (*ir.Graph, error) {
	return func(g *ir.Graph) (*ir.Graph, error) {
		return ir.Rewrite(g, func(r *ir.Rewriter, v *ir.Value) error {
			defer func() {
				if cause := recover(); cause != nil {
					panic(valuePanic{v.Name, cause})
				}
			}()
			if err := visit(r, v); err != nil {
				return fmt.Errorf("value %s: %w", v.Name, err)
			}
			return nil
		})
	}
}

func (o *Options) check(passes []Pass) error {
	find := func(name string) *Pass {
		i := slices.IndexFunc(passes, func(p Pass) bool { return p.Name == name })
		if i < 0 {
			return nil
		}
		return &passes[i]
	}
	for _, name := range o.Disable {
		switch p := find(name); {
		case p == nil:
			return errUnknown(name, passes)
		case p.Required:
			return errRequired(name)
		}
	}
	if o.StopAfter != "" && find(o.StopAfter) == nil {
		return errUnknown(o.StopAfter, passes)
	}
	return nil
}

// CheckOrder reports names that occur twice and rules that a list breaks. A
// rule about a pass that is not in the list is broken too: it is out of date.
func CheckOrder(passes []Pass, order []Order) error {
	at := map[string]int{}
	for i, p := range passes {
		if _, dup := at[p.Name]; dup {
			return fmt.Errorf("pass %s is in the list twice", p.Name)
		}
		at[p.Name] = i
	}
	for _, o := range order {
		b, okB := at[o.Before]
		a, okA := at[o.After]
		switch {
		case !okB:
			return fmt.Errorf("an ordering rule names the pass %s, which is not in the list", o.Before)
		case !okA:
			return fmt.Errorf("an ordering rule names the pass %s, which is not in the list", o.After)
		case b >= a:
			return fmt.Errorf("pass %s must run before %s: %s", o.Before, o.After, o.Reason)
		}
	}
	return nil
}
