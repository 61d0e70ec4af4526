package pass

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// OptionError is a switch that cannot be followed: a user's mistake.
type OptionError struct {
	Msg  string
	Help string
}

func (e *OptionError) Error() string {
	if e.Help == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Help
}

func errUnknown(name string, passes []Pass) error {
	names := make([]string, len(passes))
	for i, p := range passes {
		names[i] = p.Name
	}
	e := &OptionError{Msg: fmt.Sprintf("there is no pass %q", name)}
	if s := diag.Suggest(name, names); s != "" {
		e.Help = fmt.Sprintf("did you mean %s?", s)
	} else {
		e.Help = "the passes are " + strings.Join(names, ", ")
	}
	return e
}

func errRequired(name string) error {
	return &OptionError{
		Msg:  fmt.Sprintf("pass %s cannot be switched off", name),
		Help: "later phases count on it",
	}
}

// InternalError is a fault of the compiler itself: a pass that panicked, failed
// or left a graph that does not verify.
type InternalError struct {
	Pass  string // "" if the graph was wrong before the first pass
	Value string // the value being visited, if known
	Err   error
}

func (e *InternalError) Error() string {
	var b strings.Builder
	b.WriteString("internal error: ")
	if e.Pass != "" {
		fmt.Fprintf(&b, "pass %s: ", e.Pass)
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "value %s: ", e.Value)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *InternalError) Unwrap() error { return e.Err }

// valuePanic carries a panic outwards together with the value that was being
// visited.
type valuePanic struct {
	value string
	cause any
}

// panicked turns what recover returned into an error.
func panicked(pass string, r any) *InternalError {
	e := &InternalError{Pass: pass}
	if v, ok := r.(valuePanic); ok {
		e.Value, r = v.value, v.cause
	}
	if err, ok := r.(error); ok {
		e.Err = fmt.Errorf("panic: %w", err)
	} else {
		e.Err = fmt.Errorf("panic: %v", r)
	}
	return e
}
