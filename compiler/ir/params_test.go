package ir_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

func TestParams(t *testing.T) {
	g := parse(t, `graph g
%x = input : [4 6 6]
%pre = conv %x out=8 k=1 bias=false weights=pre innorm=batchnorm{weights=n0} inact=relu before=[batchnorm{weights=n1 affine=false}] after=[batchnorm{weights=n2} scale{weights=gamma dims=[8 1 1]} affine{scale=[1] shift=[0]}]
%dw = conv %pre out=8 k=3x5 p=1x2 groups=8 weights=dw
%again = conv %dw out=8 k=3x5 p=1x2 groups=8 weights=dw
%merged = conv %again out=3 k=3 p=1 parts=[{weights=m0 out=1 channels=[7 0]} {weights=m1 out=2 channels=[1 2 3] after=[batchnorm{weights=n4 affine=false}]}] after=[scale{weights=mg dims=[3]}]
%ln = layernorm %again weights=ln
%plain = layernorm %ln affine=false
%scaled = scale %plain weights=ls dims=[8]
%fc = linear %scaled out=10 flatten=true weights=fc before=[batchnorm{weights=n3 affine=false}]
output y = %fc
`)
	want := []ir.Param{
		{Key: "n0.weight", Shape: []int{4}},
		{Key: "n0.bias", Shape: []int{4}},
		{Key: "n0.running_mean", Shape: []int{4}, Buffer: true},
		{Key: "n0.running_var", Shape: []int{4}, Buffer: true},
		{Key: "n1.running_mean", Shape: []int{4}, Buffer: true},
		{Key: "n1.running_var", Shape: []int{4}, Buffer: true},
		{Key: "pre.weight", Shape: []int{8, 4, 1, 1}},
		{Key: "n2.weight", Shape: []int{8}},
		{Key: "n2.bias", Shape: []int{8}},
		{Key: "n2.running_mean", Shape: []int{8}, Buffer: true},
		{Key: "n2.running_var", Shape: []int{8}, Buffer: true},
		{Key: "gamma", Shape: []int{8, 1, 1}},
		{Key: "dw.weight", Shape: []int{8, 1, 3, 5}}, // once, though two values share it
		{Key: "dw.bias", Shape: []int{8}},
		{Key: "m0.weight", Shape: []int{1, 2, 3, 3}},
		{Key: "m0.bias", Shape: []int{1}},
		{Key: "m1.weight", Shape: []int{2, 3, 3, 3}},
		{Key: "m1.bias", Shape: []int{2}},
		{Key: "n4.running_mean", Shape: []int{2}, Buffer: true},
		{Key: "n4.running_var", Shape: []int{2}, Buffer: true},
		{Key: "mg", Shape: []int{3}},
		{Key: "ln.weight", Shape: []int{8}},
		{Key: "ln.bias", Shape: []int{8}},
		{Key: "ls", Shape: []int{8}},
		{Key: "n3.running_mean", Shape: []int{288}, Buffer: true},
		{Key: "n3.running_var", Shape: []int{288}, Buffer: true},
		{Key: "fc.weight", Shape: []int{10, 288}},
		{Key: "fc.bias", Shape: []int{10}},
	}
	if diff := cmp.Diff(want, ir.Params(g)); diff != "" {
		t.Errorf("Params (-want +got):\n%s", diff)
	}
	if got, want := ir.ParamCount(g), int64(4+4+32+8+8+8+120+8+18+1+54+2+3+8+8+8+2880+10); got != want {
		t.Errorf("ParamCount = %d, want %d", got, want)
	}
	if got, want := ir.BufferCount(g), int64(4*4+2*8+2*2+2*288); got != want {
		t.Errorf("BufferCount = %d, want %d", got, want)
	}
	// pre: 8*36 outputs of 4 inputs; dw, twice: 8*36 outputs of 15 taps; merged: 36
	// outputs of 2 inputs and 2*36 of 3, of 9 taps; fc.
	if got, want := ir.MACs(g), int64(8*36*4+2*8*36*15+36*2*9+2*36*3*9+2880); got != want {
		t.Errorf("MACs = %d, want %d", got, want)
	}
}

func TestUsers(t *testing.T) {
	g := parse(t, "graph g\n%x = input : [2]\n%a = relu %x\n%b = add %a %a %x\noutput y = %b\n")
	want := [][]ir.ID{{1, 2}, {2, 2}, nil}
	if diff := cmp.Diff(want, ir.Users(g)); diff != "" {
		t.Errorf("Users (-want +got):\n%s", diff)
	}
}
