module github.com/seed-e3550de8/retry/bench/sigstore

go 1.27.0

replace github.com/seed-e3550de8/retry => ../../

require (
	github.com/seed-e3550de8/retry v0.0.0-00010101000000-000000000000
	github.com/sigstore/sigstore v1.11.3
)
