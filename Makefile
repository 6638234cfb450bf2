# The checks of .ci/run, one by one. Tools are pinned here and not in go.mod.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 5s
SOAKTIME ?= 1m

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
quickstart: ## see it at work
	go run ./examples/quickstart
test: ## what every change must pass
	go test ./...
both: ## build, vet, tests and race detector on go1.26 and go1.27, see .ci/releases
	@.ci/both
fmt: ## gofmt has nothing to change
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
vet: ## go vet, in each module
	@.ci/each go vet ./...
lint: ## staticcheck, in each module
	@.ci/each $(STATICCHECK) ./...
tidy: ## go.mod and go.sum are tidy, in each module
	@.ci/each go mod tidy -diff
deps: ## the root module requires what it may and no more
	@.ci/deps
race: ## the tests under the race detector, in any order
	go test -race -shuffle=on ./...
modules: ## build and test the other modules
	@.ci/each --others go build ./... && .ci/each --others go test ./...
bench: ## each benchmark once, in each module, and the report that compares
	@.ci/each sh -c 'case $$PWD in */bench) go run ./cmd/report -quick ;; *) go test -run "^$$" -bench . -benchtime 1x ./... ;; esac'
cover: ## 95 % of the root package's statements
	@.ci/cover
cross: ## it builds for other systems, tests included
	@.ci/cross
fuzz: ## each fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)
soak: ## random faults for SOAKTIME
	go test -race -v -run '^TestSoak$$' ./e2e -soak $(SOAKTIME)
.PHONY: help quickstart test both fmt vet lint tidy deps race modules bench cover cross fuzz soak
