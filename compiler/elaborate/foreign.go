package elaborate

import (
	"slices"
	"strings"
)

// What people who come from other libraries write, without underscores and in small
// letters, and what there is here instead.

var foreignNames = map[string]string{
	"range":                  "a range is written 0..n",
	"cat":                    "did you mean concat?",
	"interpolate":            "did you mean upsample?",
	"swish":                  "did you mean silu?",
	"dense":                  "did you mean linear?",
	"globalaveragepooling2d": "did you mean globalavgpool?",
	"depthwiseconv2d":        "a depthwise convolution has as many groups as channels: conv(channels(x), 3, groups = channels(x))",
	"depthwise":              "a depthwise convolution has as many groups as channels: conv(channels(x), 3, groups = channels(x))",
	"sequential":             "layers follow one another with ->; blocks and scopes group them",
}

var foreignArguments = map[string]string{
	"padding":       "pad",
	"kernelsize":    "kernel",
	"poolsize":      "kernel",
	"outchannels":   "out",
	"outfeatures":   "out",
	"outputsize":    "out",
	"filters":       "out",
	"units":         "out",
	"scalefactor":   "scale",
	"ceilmode":      "ceil",
	"negativeslope": "slope",
}

// needlessArguments has those that are left out here, and why.
var needlessArguments = map[string]string{
	"inchannels": "the input's channels are known",
	"infeatures": "the input's features are known",
	"inplace":    "the compiler decides where results lie",
	"momentum":   "only training needs it",
}

func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// foreignName helps with an unknown name.
func foreignName(name string, visible []string, otherwise string) string {
	if help := foreignNames[folded(name)]; help != "" {
		return help
	}
	return didYouMean(name, visible, otherwise)
}

// foreignArgument helps with an unknown argument; "" if nothing is known of it.
func foreignArgument(name string, known []string) string {
	if why := needlessArguments[folded(name)]; why != "" {
		return "leave it out: " + why
	}
	if here := foreignArguments[folded(name)]; slices.Contains(known, here) {
		return "it is called " + here + " here"
	}
	return ""
}
