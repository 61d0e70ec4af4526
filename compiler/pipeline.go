package compiler

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/passes"
)

// pipeline lists the passes in the order in which they run, each once: there is
// nothing left for a second round, which a test checks. A pass repeats itself where one
// step makes room for the next, as with two paddings before a convolution, and
// merge-convs ends with pad-into-conv, for the padding that its branches shared.
//
// CONTRIBUTING.md says how to add one.
var pipeline = []pass.Pass{
	{
		Name: "drop-identities",
		Doc:  "remove dropout, stochastic depth and whatever returns its argument",
		Run:  passes.DropIdentities,
	},
	{
		Name: "share-concats",
		Doc:  "let a concatenation begin with an earlier one of the same values",
		Run:  passes.ShareConcats,
	},
	{
		Name: "pad-into-conv",
		Doc:  "make zeros around a map padding of the convolution that reads it",
		Run:  passes.PadIntoConv,
	},
	{
		Name: "merge-convs",
		Doc:  "compute narrow convolutions of one tensor that are concatenated as one",
		Run:  passes.MergeConvs,
	},
	{
		Name: "pool-first",
		Doc:  "average before a pointwise convolution what would be averaged after it",
		Run:  passes.PoolFirst,
	},
	{
		Name: "fuse-pool",
		Doc:  "average in the depthwise convolution of one tap that reads the averages",
		Run:  passes.FusePool,
	},
	{
		Name: "fold-batchnorm",
		Doc:  "fold normalisation and scales into the weights of the layer before",
		Run:  passes.FoldBatchNorm,
	},
	{
		Name: "fold-batchnorm-forward",
		Doc:  "fold normalisation into the weights of the unpadded layer after",
		Run:  passes.FoldBatchNormForward,
	},
	{
		Name: "flatten-into-linear",
		Doc:  "let a linear layer read a map as it lies, its weights permuted",
		Run:  passes.FlattenIntoLinear,
	},
	{
		Name: "fuse-residual",
		Doc:  "let the layer before a sum of two add the other one",
		Run:  passes.FuseResidual,
	},
	{
		Name: "fuse-activation",
		Doc:  "apply an activation in the layer or sum that computes its argument",
		Run:  passes.FuseActivation,
	},
	{
		Name: "fuse-gate",
		Doc:  "multiply a map by a factor a channel in the pointwise convolution that reads the product",
		Run:  passes.FuseGate(paysAsRead),
	},
	{
		Name: "fuse-input",
		Doc:  "normalise and activate in the pointwise convolution that reads the result",
		Run:  passes.FuseInput(paysAsRead),
	},
	{
		// Every rewrite drops what it made dead; this is for what the spec left
		// unused, also when all else is switched off.
		Name: "dce",
		Doc:  "remove what no output needs",
		Run:  passes.EliminateDead, Required: true,
	},
}

// paysAsRead reports whether a pointwise convolution should itself do what happens to
// its input x. A map that stays in the second-level cache from one step to the next is
// as well changed by a step of its own; and so is one whose convolution has so many
// weights that it goes over the map several times. Measured; small differences in
// these numbers make little. Where the input is pooled, the convolution has few pixels,
// and makes them of what it reads anyway.
func paysAsRead(x *ir.Value, conv *ir.Conv) bool {
	const cached = 200_000 // elements
	return conv.Pools() || x.Shape.Elems() >= cached && x.Shape.Channels()*conv.Out < cached
}

// order says what counts on what, and why. A test holds the pipeline to it.
var order = []pass.Order{
	{Before: "drop-identities", After: "fold-batchnorm", Reason: "dropout may sit between a layer and its normalisation"},
	{Before: "drop-identities", After: "flatten-into-linear", Reason: "dropout sits between flatten and linear in AlexNet and VGG"},
	{Before: "drop-identities", After: "share-concats", Reason: "dropout may hide that two concatenations begin with the same"},
	{Before: "pad-into-conv", After: "fold-batchnorm-forward", Reason: "normalisation must not be folded past padding"},
	{Before: "fold-batchnorm", After: "fold-batchnorm-forward", Reason: "the layer before can take any normalisation, the layer after only some"},
	{Before: "fold-batchnorm", After: "fuse-residual", Reason: "normalisation sits between a convolution and the sum"},
	{Before: "fold-batchnorm", After: "fuse-activation", Reason: "normalisation sits between a convolution and the activation"},
	{Before: "pad-into-conv", After: "merge-convs", Reason: "padding may sit between a branch's convolution and what all branches read"},
	{Before: "merge-convs", After: "fold-batchnorm", Reason: "the merged convolution can take normalisation, a concatenation cannot"},
	{Before: "merge-convs", After: "fuse-residual", Reason: "the merged convolution can take a residual, a concatenation cannot"},
	{Before: "merge-convs", After: "fuse-activation", Reason: "the merged convolution can take an activation, a concatenation cannot"},
	{Before: "merge-convs", After: "pool-first", Reason: "what convolutions of a concatenation become may be pooled, what pools is not merged"},
	{Before: "pool-first", After: "fuse-pool", Reason: "before a pointwise convolution, pooling saves more than it costs"},
	{Before: "pool-first", After: "fold-batchnorm", Reason: "the convolution can take the normalisation behind its pooling, the pooling cannot"},
	{Before: "pool-first", After: "fuse-residual", Reason: "the convolution can take a residual behind its pooling, before it neither can"},
	{Before: "pool-first", After: "fuse-activation", Reason: "the convolution can take an activation behind its pooling, the pooling cannot"},
	{Before: "pool-first", After: "fuse-input", Reason: "where the convolution pools, it pays to do more to its input"},
	{Before: "fuse-residual", After: "fuse-activation", Reason: "an activation in the sum's epilogue moves on into the layer's, but a layer that has one takes no residual"},
	{Before: "fold-batchnorm-forward", After: "fuse-gate", Reason: "normalisation may sit between a product and the convolution that reads it"},
	{Before: "fold-batchnorm-forward", After: "fuse-input", Reason: "folded into weights, normalisation costs nothing"},
	{Before: "fuse-activation", After: "fuse-input", Reason: "in the layer that computes its argument, an activation costs least"},
	{Before: "fuse-gate", After: "fuse-input", Reason: "below the product there may be more to fuse"},
}

// Passes returns the passes in the order in which they run, for help and
// completion.
func Passes() []pass.Pass { return append([]pass.Pass(nil), pipeline...) }
