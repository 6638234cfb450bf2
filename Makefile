# The checks of .ci/run, one by one. Tools are pinned here and not in go.mod.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 5s
SOAKTIME ?= 2m
EACH = find . -name go.mod -not -path '*/testdata/*' -exec dirname {} + | sort | while read -r m; do echo "-- $$m"; ( cd "$$m" &&
OTHERS = find . -mindepth 2 -name go.mod -not -path '*/testdata/*' -exec dirname {} + | sort | while read -r m; do echo "-- $$m"; ( cd "$$m" &&
END = ) || exit 1; done

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
quickstart: ## see it at work
	go run ./examples/quickstart
test: ## what every change must pass
	go test ./...
fmt: ## gofmt has nothing to change
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
vet: ## go vet, in each module
	@$(EACH) go vet ./... $(END)
lint: ## staticcheck, in each module
	@$(EACH) $(STATICCHECK) ./... $(END)
tidy: ## go.mod and go.sum are tidy, in each module
	@$(EACH) go mod tidy -diff $(END)
deps: ## the root module requires what it may and no more
	@test "$$(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}{{end}}' all | sort | xargs)" = "github.com/hashicorp/go-cleanhttp github.com/stretchr/testify"
race: ## the tests under the race detector, in any order
	go test -race -shuffle=on ./...
modules: ## build and test the other modules
	@$(OTHERS) go build ./... && go test ./... $(END)
bench: ## each benchmark once, in each module
	@$(EACH) go test -run '^$$' -bench . -benchtime 1x ./... $(END)
cover: ## 95 % of the root package's statements
	go test -coverprofile=cover.txt . && go tool cover -func=cover.txt | awk '/^total:/ { print; exit $$3 < 95 }'
cross: ## it builds for other systems, tests included
	@d=$$(mktemp -d) && for t in windows/amd64 darwin/arm64; do echo "-- $$t"; export GOOS=$${t%/*} GOARCH=$${t#*/}; go vet ./... && go test -c -ldflags '-s -w' -o "$$d/t" . || exit 1; done; rm -r "$$d"
fuzz: ## each fuzz target for FUZZTIME
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ { f[n++] = $$1 } /^ok/ { while (n) print f[--n], $$2 }' | while read -r f p; do go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$p" || exit 1; done
soak: ## random faults for SOAKTIME
	go test -race -v -run '^TestSoak$$' -soak $(SOAKTIME) .
.PHONY: help quickstart test fmt vet lint tidy deps race modules bench cover cross fuzz soak
