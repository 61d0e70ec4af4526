// Package generated holds the packages that cnnc writes for one network of each
// family, for its tests and for people to look at. What is emitted from the specs
// of this module is what stands here: a test compares them.
package generated

//go:generate go run ../cmd/cnnc build lenet5 -o lenet5
//go:generate go run ../cmd/cnnc build alexnet -o alexnet
//go:generate go run ../cmd/cnnc build vgg16 -o vgg16
//go:generate go run ../cmd/cnnc build googlenet -o googlenet
//go:generate go run ../cmd/cnnc build resnet50 -o resnet50
//go:generate go run ../cmd/cnnc build resnext50 -o resnext50
//go:generate go run ../cmd/cnnc build xception -o xception
//go:generate go run ../cmd/cnnc build mobilenet_v2 -o mobilenet_v2
//go:generate go run ../cmd/cnnc build mobilenet_v3_large -o mobilenet_v3_large
//go:generate go run ../cmd/cnnc build densenet121 -o densenet121
//go:generate go run ../cmd/cnnc build efficientnet_b0 -o efficientnet_b0
//go:generate go run ../cmd/cnnc build convnext_tiny -o convnext_tiny
