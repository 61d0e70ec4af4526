package elaborate

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Nets, their parameters, and their contracts.

func errNoNet(at diag.Span, file, name string, names []string) *diag.Diagnostic {
	if len(names) == 0 {
		return with(newError("NET001", at, "%s has no net", file), "", "declare one: net NAME { input image[3, 224, 224] ... }")
	}
	d := newError("NET001", at, "%s has no net %s", file, name)
	d.Help = "its nets are " + enumerate(names)
	if s := diag.Suggest(name, names); s != "" {
		d.Help = "did you mean " + s + "? " + d.Help
	}
	return d
}

func errNotNet(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NET002", at, "%s is no net", name), "", "after = stands a net and what to change in it: net NAME = resnet(depth = 101)")
}

func errNetCycle(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NET002", at, "the net %s is made from itself", name), "", "one of the nets in the circle needs a body")
}

func errNoInput(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NET003", at, "the net %s has no input", name), "", "begin it with, say, input image[3, 224, 224]")
}

func errNoOutput(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NET003", at, "the net %s has no output", name), "", "end it with a flow, or write output NAME = flow")
}

func errOutOfNet(at diag.Span, what string) *diag.Diagnostic {
	return with(newError("NET004", at, "%s belongs into a net", what), "in a block", "a block takes tensors as parameters, and returns its last flow")
}

func errNestedInput(at diag.Span) *diag.Diagnostic {
	return with(newError("NET004", at, "input inside a loop or condition"), "", "put it at the top of the net")
}

func errReturnInNet(at diag.Span) *diag.Diagnostic {
	return with(newError("NET004", at, "return in a net"), "", "write output NAME = flow, or end the net with the flow")
}

func errInputTwice(at diag.Span, name string, first diag.Span) *diag.Diagnostic {
	return related(with(newError("NET005", at, "two inputs are called %s", name), "again", "rename one"), first, "the first is here")
}

func errOutputTwice(at diag.Span, name string, first diag.Span) *diag.Diagnostic {
	d := with(newError("NET005", at, "two outputs are called %s", name), "again", "rename one; a net's last flow is the output named output")
	return related(d, first, "the first is here")
}

func errMissingParam(at diag.Span, net, name string) *diag.Diagnostic {
	return with(newError("NET006", at, "%s needs a value for %s", net, name), "has no default",
		fmt.Sprintf("give it a default, %s = ..., or set it with -D %s=...", name, name))
}

func errUnknownOverride(at diag.Span, n *userNet, name string) *diag.Diagnostic {
	var names []string
	for _, p := range n.params {
		names = append(names, p.name)
	}
	d := newError("NET007", at, "the net %s has no parameter %s to set", n.title(), name)
	d.Help = "its parameters are " + enumerate(names)
	if len(names) == 0 {
		d.Help = "it has no parameters"
	}
	if s := diag.Suggest(name, names); s != "" {
		d.Help = "did you mean " + s + "? " + d.Help
	}
	return related(d, n.decl.Name.Src, "the net")
}

func errOverrideTwice(at diag.Span, n *userNet, name string) *diag.Diagnostic {
	return with(newError("NET007", at, "%s of the net %s is set twice", name, n.title()), "again", "")
}

// errBadOverride takes the parameter's default, nil or bad if nothing is known of it.
func errBadOverride(at diag.Span, o Override, def value) *diag.Diagnostic {
	given := strings.TrimSpace(o.Value)
	if given == "" {
		given = "nothing"
	}
	d := with(newError("NET007", at, "%s is no value for %s", given, o.Name), "",
		`values are ints, floats, true and false, "strings", sizes such as 1x7, [lists], and names of blocks`)
	if def != nil && !isBad(def) {
		d.Help = fmt.Sprintf("give %s, as its default %s is", aKind(def), show(def))
	}
	return d
}

func errUnknownField(at diag.Span, name string, fields []string) *diag.Diagnostic {
	d := newError("NET008", at, "preprocess has no %s", name)
	d.Label = "unknown"
	d.Help = "its fields are " + enumerate(fields)
	if s := diag.Suggest(name, fields); s != "" {
		d.Help = "did you mean " + s + "? " + d.Help
	}
	return d
}

func errFieldWithoutName(at diag.Span) *diag.Diagnostic {
	return with(newError("NET008", at, "a field of preprocess without its name"), "", "write resize = 256")
}

func errFieldTwice(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NET008", at, "%s is given twice", name), "again", "")
}

func errContractTwice(at diag.Span, what string, first diag.Span) *diag.Diagnostic {
	return related(with(newError("NET008", at, "a net has one %s", what), "again", ""), first, "the first is here")
}

func errNoPicture(at diag.Span, s shape.Shape, input diag.Span) *diag.Diagnostic {
	d := newError("NET008", at, "preprocess needs an input of 1 or 3 channels, this is %v", s)
	d.Help = "leave preprocess out if the input is no picture"
	return related(d, input, "the input")
}

func errPerChannel(at diag.Span, name string, have int, s shape.Shape, input diag.Span) *diag.Diagnostic {
	d := newError("NET008", at, "%s has %s, the input %s", name, plural(have, "number"), plural(s.Channels(), "channel"))
	return related(with(d, "", "give one number a channel, or one for all"), input, "the input")
}

func errChannelOrder(at diag.Span, channels string, s shape.Shape, input diag.Span) *diag.Diagnostic {
	d := newError("NET008", at, "channels = %q does not fit an input of %s", channels, plural(s.Channels(), "channel"))
	return related(with(d, "", `write "rgb" or "bgr" for 3 channels, "gray" for 1`), input, "the input")
}

func errCrop(at diag.Span, crop shape.Size, s shape.Shape, input diag.Span) *diag.Diagnostic {
	d := newError("NET008", at, "crop is %v, the input %v", crop, s)
	return related(with(d, "", "crop what the network takes, or leave crop out"), input, "the input")
}

func warnLabels(at diag.Span, labels int, output string, features int, where diag.Span) *diag.Diagnostic {
	d := newError("NET009", at, "%s for the %d features of %s: the labels are left out", plural(labels, "label"), features, output)
	d.Severity = diag.Warning
	d.Help = "give one label a feature, or remove them"
	return related(d, where, fmt.Sprintf("has %d features", features))
}

func warnUnused(at diag.Span, name string) *diag.Diagnostic {
	d := with(newError("NET010", at, "%s leads to no output", name), "not used", "use its result, make it an output, or remove it")
	d.Severity = diag.Warning
	return d
}

func warnUnusedInput(at diag.Span, name string) *diag.Diagnostic {
	d := with(newError("NET010", at, "the input %s is not used", name), "not used", "use it, or remove it")
	d.Severity = diag.Warning
	return d
}

func errAssert(at diag.Span, message string, involved []string) *diag.Diagnostic {
	if message == "" {
		message = "this must hold"
	}
	d := newError("ASSERT001", at, "%s", message)
	d.Label = "does not hold"
	if len(involved) > 0 {
		d.Help = "here " + strings.Join(involved, ", ")
	}
	return d
}
