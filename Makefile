# Targets for people; .ci/run runs `make check`.
# Versions of the tools that check us, pinned. They are run, never linked.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ASM         := runtime/internal/kernels/_asm

.PHONY: check test race purego vet lint fmt generate current cross fuzz bench kernels onnx

check: fmt vet lint test race purego cross current

test:
	go test -timeout 40m ./...

# The race detector on what runs in parallel.
race:
	go test -timeout 40m -race -short ./runtime ./compiler/exec ./generated/lenet5

# Plain Go kernels only, as on machines without assembly.
purego:
	go test -timeout 40m -tags purego ./runtime/...

vet:
	go vet ./...
	cd $(ASM) && go vet ./...

lint:
	go run $(STATICCHECK) ./...

fmt:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }
	go run ./cmd/cnnc fmt --check specs examples

# Writes everything that is generated: assembly, then the committed packages.
generate:
	go generate ./runtime/...
	go generate ./generated

# Generated code is current: generating it again changes nothing.
current: generate
	git diff --exit-code
	@test -z "$$(git status --porcelain -- '*_cnnc.go' '*.s')" || { git status --porcelain; exit 1; }

# What users build for, without cgo.
cross:
	for t in linux/amd64 linux/arm64 darwin/arm64 windows/amd64 js/wasm; do \
	  CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} go build ./... || exit 1; done

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

# Beside ONNX Runtime and OpenVINO; see bench/README.md.
bench:
	python3 bench/bench.py

# Each layer beside its bound: docs/kernels.md.
kernels:
	python3 bench/bench.py --kernels

# Asks ONNX's checker and ONNX Runtime, which come from PyPI, about exported
# models: every operation, and a net of each family or those of NETS=all.
onnx: .tools/onnx/installed
	go test ./compiler/onnx -run Witness -v -count=1 -timeout 2h \
	  -python $(CURDIR)/.tools/onnx/bin/python $(if $(NETS),-nets $(NETS))

.tools/onnx/installed: compiler/onnx/testdata/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q -r $<
	touch $@
