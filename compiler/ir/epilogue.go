package ir

// NormOf returns v as a Norm, and whether it is one: a batch norm without a
// fused activation, a scale or an affine.
func NormOf(v *Value) (Norm, bool) {
	switch a := v.Attr.(type) {
	case *BatchNorm:
		return Norm{Op: OpBatchNorm, Weights: a.Weights, Eps: a.Eps, Affine: a.Affine}, a.Act == Act{}
	case *Scale:
		return Norm{Op: OpScale, Weights: a.Weights, Dims: a.Dims}, true
	case *Affine:
		return Norm{Op: OpAffine, Scale: a.Scale, Shift: a.Shift}, true
	}
	return Norm{}, false
}

// Attr returns the attributes of the operation that n was, or nil if n.Op is
// none that can be a Norm.
func (n Norm) Attr() Attr {
	switch n.Op {
	case OpBatchNorm:
		return &BatchNorm{Weights: n.Weights, Eps: n.Eps, Affine: n.Affine}
	case OpScale:
		return &Scale{Weights: n.Weights, Dims: n.Dims}
	case OpAffine:
		return &Affine{Scale: n.Scale, Shift: n.Shift}
	}
	return nil
}

// ActOf returns v as an Act, and whether it is an activation.
func ActOf(v *Value) (Act, bool) {
	if !v.Op.Info().Activation {
		return Act{}, false
	}
	if a, ok := v.Attr.(*Slope); ok {
		return Act{Op: v.Op, Slope: a.Slope}, true
	}
	return Act{Op: v.Op}, true
}

// Attr returns the attributes of the operation that a was; nil if it has none.
func (a Act) Attr() Attr {
	if a.Op == OpLeakyReLU {
		return &Slope{Slope: a.Slope}
	}
	return nil
}
