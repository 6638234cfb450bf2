module github.com/seed-e3550de8/retry/hint/githubtest

go 1.26

require (
	github.com/google/go-github/v75 v75.0.0
	github.com/seed-e3550de8/retry v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/seed-e3550de8/retry => ../..
