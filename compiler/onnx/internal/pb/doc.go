// Package pb holds the messages of ONNX's file format, generated from ONNX's own
// onnx.proto: the file of release 1.23.2, unchanged. The ONNX project publishes
// it under the Apache License 2.0, which stands beside it.
//
// To generate it again, protoc must be installed (Debian's protobuf-compiler,
// or grpcio-tools of PyPI); the plugin is the one that go.mod pins.
package pb

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) -I. --go_out=. --go_opt=paths=source_relative --go_opt=Monnx.proto=github.com/cnnc-dev/cnnc/compiler/onnx/internal/pb onnx.proto"
