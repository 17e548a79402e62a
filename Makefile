# make help lists what there is.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
IMAGE       ?= kabarchy
CYCLES      ?= 100
CHATS       ?= 1000000
FOR         ?= 60s

# Empty it (make test RACE=) where there is no C compiler.
RACE        ?= -race
RACE_TIMEOUT ?= 10m
TEST_TIMEOUT ?= 10m

# Tests that watch years and days of outage pass. They are shorter under the
# race detector, which makes them too slow, and so run once more without it.
LIVES   = 'Years|Outage'

# The packages under test/ drive the real binary as a process of its own: the
# race detector would look at the drivers alone, and twice as slowly.
UNITS   = $$($(GO) list ./... | grep -v -e '^kabarchy/test' -e '^kabarchy/bench')
SYSTEMS = $$($(GO) list ./... | grep '^kabarchy/test' || true)

.PHONY: matrix shots help test tools check units lives systems build demo run crash lanes image image-test clean

help:
	@echo 'make test        install what the tests need, check, and run all tests'
	@echo 'make check       gofmt, go vet and staticcheck alone'
	@echo 'make build       the static binary: bin/kabarchy'
	@echo 'make demo        go run . demo'
	@echo 'make run         go run . serve'
	@echo 'make crash       kill and restart the binary CYCLES=$(CYCLES) times under load'
	@echo 'make lanes       what decisions wait for beside an announcement to CHATS=$(CHATS), for FOR=$(FOR)'
	@echo 'make matrix      look for barriers in every page, language, scheme and state'
	@echo 'make shots       take the pictures of the README from the running demonstration'
	@echo 'make image       the container image, by docker, podman or buildah'
	@echo 'make image-test  build and try the image where base images cannot be pulled (Debian, root)'

# Each step is run once, the tests last: their summary ends the output.
test: tools check
	@units=0; lives=0; systems=0; \
	$(MAKE) --no-print-directory units || units=$$?; \
	$(if $(RACE),$(MAKE) --no-print-directory lives || lives=$$?;) \
	$(MAKE) --no-print-directory systems || systems=$$?; \
	test "$$units$$lives$$systems" = 000

tools:
	@scripts/test-tools.sh

check:
	@echo gofmt
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

units:
	@CGO_ENABLED=$(if $(RACE),1,0) $(GO) test $(RACE) -vet=off -count=1 -timeout $(RACE_TIMEOUT) $(UNITS)

lives:
	@CGO_ENABLED=0 $(GO) test -vet=off -count=1 -timeout $(TEST_TIMEOUT) -run $(LIVES) ./notifier

# Go's cache of test results cannot see what a started process depends on.
systems:
	@packages="$(SYSTEMS)"; test -z "$$packages" || $(GO) test -vet=off -count=1 -timeout $(TEST_TIMEOUT) $$packages

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X kabarchy/cli.version=$(VERSION)' -o bin/kabarchy .

demo:
	$(GO) run . demo

run:
	$(GO) run . serve

crash:
	$(GO) test ./test/crash -count=1 -timeout 3h -v -cycles $(CYCLES)

lanes:
	$(GO) test ./test/lanes -count=1 -timeout 3h -v -chats $(CHATS) -for $(FOR)

matrix: tools
	$(GO) test ./test/browser -count=1 -timeout 1h -v -run NoBarriers -matrix

shots: tools
	$(GO) test ./test/browser -count=1 -run Pictures -shots $(CURDIR)/docs/images

image:
	@scripts/image.sh $(IMAGE) $(VERSION)

image-test:
	@scripts/image-test.sh

clean:
	rm -rf bin
