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
	"convtranspose":          noTransposed,
	"convtranspose2d":        noTransposed,
	"deconv":                 noTransposed,
	"groupnorm":              noNorm,
	"instancenorm":           noNorm,
	"instancenorm2d":         noNorm,
	"prelu":                  noActivation,
	"elu":                    noActivation,
	"mish":                   noActivation,
	"matmul":                 noAttention,
	"attention":              noAttention,
	"multiheadattention":     noAttention,
	"einsum":                 noAttention,
	"reshape":                noReshape,
	"view":                   noReshape,
	"permute":                noReshape,
	"transpose":              noReshape,
	"unsqueeze":              noReshape,
	"squeeze":                noReshape,
	"mean":                   "the mean over a map is globalavgpool",
	"chunk":                  "did you mean split?",
	"pixelshuffle":           noTransposed,
	"bilinear":               "upsample repeats pixels; other modes are not in the language",
	"stdconv":                noStandardised,
	"stdconv2d":              noStandardised,
	"wsconv2d":               noStandardised,
	"scaledstdconv2d":        noStandardised,
	"sequential":             "layers follow one another with ->; blocks and scopes group them",
}

// What docs/language.md says is not in the language.
const (
	noTransposed   = "transposed convolutions are not in the language; upsample(2) and a convolution do what many use them for"
	noNorm         = "the language has batchnorm and layernorm, which normalises each pixel over its channels"
	noActivation   = "activations are relu, relu6, leakyrelu, sigmoid, tanh, silu, hardsigmoid, hardswish, gelu, gelutanh and softmax"
	noAttention    = "products of tensors are by element, as a * b; attention is not in the language"
	noReshape      = "tensors are maps [c h w] or vectors [c]: flatten makes a vector of a map, split and x[a:b] take channels, shuffle interleaves them"
	noStandardised = "the language reads weights and computes nothing from them: standardise them when you write the checkpoint, and use conv"
)

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
