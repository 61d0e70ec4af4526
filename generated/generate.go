// Package generated holds the packages that cnnc writes for two of its own
// networks, for its tests and for people to look at. What is emitted from the
// specs of this module is what stands here: a test compares them.
package generated

//go:generate go run ../cmd/cnnc build lenet5 -o lenet5
//go:generate go run ../cmd/cnnc build resnext50 -o resnext50
