package elaborate

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Block strings are timm's notation for a row of a table of MobileNets and their
// heirs: ir_r2_k3_s2_e6_c24_se0.25 is the type of the block and then a letter and
// a value for each thing to say, in any order.

// blockTypes are the types of blocks: inverted residual, depthwise separable, the
// same with an activation at the end, convolution, fused (edge) residual.
var blockTypes = []string{"ir", "ds", "dsa", "cn", "er"}

// blockActs are the activations that n can name.
var blockActs = map[string]string{
	"re": "relu", "r6": "relu6", "hs": "hardswish", "sw": "silu", "si": "silu", "ge": "gelu", "id": "identity",
}

// blockKeys are what a block string can say, longest first where one begins
// another.
var blockKeys = []string{"noskip", "skip", "se", "r", "k", "s", "e", "c", "n"}

// runBlockString reads a block string into the list that its doc promises.
// Unknown parts are errors: timm passes over some of them in silence.
func runBlockString(e *elab, c *builtinCall) value {
	text, ok := c.args[0].value.(string)
	if !ok {
		return c.wrong(e, 0, "a string")
	}
	var act value = universe["relu"]
	if c.args[1] != nil {
		if act, ok = c.args[1].value.(callable); !ok {
			return c.wrong(e, 1, "a block")
		}
	}
	parts := strings.Split(text, "_")
	if !slices.Contains(blockTypes, parts[0]) {
		e.report(errBlockString(c.args[0].at, text, parts[0], 1, "the types are "+enumerate(blockTypes)))
		return bad{}
	}
	ints := map[string]int64{"r": 1, "k": 3, "s": 1}
	floats := map[string]float64{"e": 1, "se": 0}
	skip := true
	seen := map[string]bool{}
	col := utf8.RuneCountInString(parts[0]) + 2
	for _, part := range parts[1:] {
		reject := func(help string) value {
			e.report(errBlockString(c.args[0].at, text, part, col, help))
			return bad{}
		}
		i := slices.IndexFunc(blockKeys, func(k string) bool { return strings.HasPrefix(part, k) })
		if i < 0 {
			return reject("after the type come r (repeats), k (kernel), s (stride), e (expansion), c (channels), se (squeeze and excitation), n (activation), noskip")
		}
		key := blockKeys[i]
		rest := strings.TrimPrefix(part, key)
		if seen[key] {
			return reject("it is given twice")
		}
		seen[key] = true
		switch key {
		case "skip", "noskip":
			if rest != "" {
				return reject("did you mean " + key + "?")
			}
			skip = key == "skip"
		case "n":
			name, ok := blockActs[rest]
			if !ok {
				return reject("the activations are nre, nr6, nhs, nsw, nge and nid")
			}
			act = universe[name]
		case "e", "se":
			f, err := strconv.ParseFloat(rest, 64)
			if err != nil || !(f >= 0 && f < maxList) {
				return reject(key + " wants a number, as in " + key + "0.25")
			}
			floats[key] = f
		default:
			n, err := strconv.ParseInt(rest, 10, 32)
			if err != nil || n < 1 {
				return reject(key + " wants a positive int, as in " + key + "3")
			}
			ints[key] = n
		}
		col += utf8.RuneCountInString(part) + 1
	}
	if !seen["c"] {
		e.report(errBlockString(c.args[0].at, text, text, 1, "it does not say how many channels: c24"))
		return bad{}
	}
	return e.list([]value{
		parts[0], ints["r"], ints["k"], ints["s"], floats["e"], ints["c"], floats["se"], act, skip,
	}, c.at)
}
