package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// An imported is what a program that uses a library consists of.
type imported struct {
	size, stripped    int64 // bytes
	packages, modules int
	code              int64            // bytes of instructions of this module
	starts            map[string]start // the packages that do something when the program starts
}

// A start is what a package does then.
type start struct{ ms, bytes, allocations float64 }

// buildPrograms makes the programs, two at a time, and looks at what they are. They are started when nothing is being
// built.
func (r *release) buildPrograms(ps []program, scratch string) error {
	at, err := overlay(ps, scratch)
	if err != nil {
		return err
	}
	made, files, errs := make([]imported, len(ps)), make([]string, len(ps)), make([]error, len(ps))
	free := make(chan struct{}, 2)
	var building sync.WaitGroup
	for i := range ps {
		files[i] = filepath.Join(scratch, fmt.Sprintf("imported%d", i))
		free <- struct{}{}
		building.Go(func() {
			made[i], errs[i] = r.importedBy(imagined(i), at, files[i])
			<-free
		})
	}
	building.Wait()
	for i, p := range ps {
		if errs[i] == nil {
			made[i].starts, errs[i] = starts(files[i])
		}
		if errs[i] != nil {
			return fmt.Errorf("%s: %w", p.name, errs[i])
		}
		r.imported[p.name] = made[i]
	}
	return nil
}

// imagined is the package of the ith program, whose directory does not exist.
func imagined(i int) string { return fmt.Sprintf("./imported%d", i) }

// overlay returns the file that shows the programs to the go command.
func overlay(ps []program, scratch string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	files := map[string]string{}
	for i, p := range ps {
		file := filepath.Join(scratch, fmt.Sprintf("program%d.go", i))
		if err := os.WriteFile(file, []byte(p.source()), 0o644); err != nil {
			return "", err
		}
		files[filepath.Join(here, imagined(i), "main.go")] = file
	}
	shown, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		return "", err
	}
	at := filepath.Join(scratch, "overlay.json")
	return at, os.WriteFile(at, shown, 0o644)
}

func (r *release) importedBy(pkg, overlay, file string) (m imported, err error) {
	if _, err = r.tool("build", "-overlay", overlay, "-ldflags=-s -w", "-o", file, pkg); err != nil {
		return m, err
	}
	m.stripped = size(file)
	if _, err = r.tool("build", "-overlay", overlay, "-o", file, pkg); err != nil {
		return m, err
	}
	m.size = size(file)
	if m.code, err = r.code(file); err != nil {
		return m, err
	}
	deps, err := r.tool("list", "-overlay", overlay, "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", pkg)
	if err != nil {
		return m, err
	}
	m.packages = strings.Count(deps, "\n") - 1 // but for its own
	modules := map[string]bool{}
	for line := range strings.Lines(deps) {
		modules[strings.TrimSpace(line)] = true
	}
	delete(modules, "")
	delete(modules, module+"/bench")
	m.modules = len(modules)
	return m, nil
}

// tool runs the go command of the release.
func (r *release) tool(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env, cmd.Stderr = r.environment(), os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

// code returns how many bytes of instructions this module's root package has in a program.
func (r *release) code(file string) (sum int64, err error) {
	symbols, err := r.tool("tool", "nm", "-size", file)
	for line := range strings.Lines(symbols) {
		if f := strings.Fields(line); len(f) > 3 && f[2] == "T" && strings.HasPrefix(f[3], module+".") {
			sum += int64(parse(f[1]))
		}
	}
	return sum, err
}

func size(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock, (\d+) bytes, (\d+) allocs`)

// starts runs a program a few times, and takes the shortest times.
func starts(file string) (map[string]start, error) {
	all := map[string]start{}
	for range 5 {
		cmd := exec.Command(file)
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, err
		}
		for _, m := range initLine.FindAllStringSubmatch(string(out), -1) {
			one := start{ms: parse(m[2]), bytes: parse(m[3]), allocations: parse(m[4])}
			if known, ok := all[m[1]]; ok {
				one.ms = min(one.ms, known.ms)
			}
			all[m[1]] = one
		}
	}
	return all, nil
}

func parse(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}

// more is what a program's packages do at its start that those of another do not.
func (m imported) more(than imported) (sum start) {
	for name, s := range m.starts {
		if _, known := than.starts[name]; !known {
			sum.ms, sum.bytes, sum.allocations = sum.ms+s.ms, sum.bytes+s.bytes, sum.allocations+s.allocations
		}
	}
	return sum
}

func writeImports(w io.Writer, releases []*release) {
	fmt.Fprint(w, `## What an import costs

A program that sends one request, with each library, over one that does so with net/http alone. The work at its start is
that of the packages that net/http does not have, the shortest of five starts.

`)
	for _, r := range releases {
		r.writeImported(w)
	}
}

func (r *release) writeImported(w io.Writer) {
	bare := r.imported[plain]
	fmt.Fprintf(w, "| %s | KiB more | stripped | packages more | modules | µs at the start | B | allocations |\n", r.name)
	fmt.Fprint(w, "|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, p := range programs {
		m, ok := r.imported[p.name]
		if !ok || p.name == plain {
			continue
		}
		s := m.more(bare)
		fmt.Fprintf(w, "| %s | %s | %s | %d | %d | %s | %s | %s |\n", p.name,
			kib(m.size-bare.size), kib(m.stripped-bare.stripped),
			m.packages-bare.packages, m.modules, number(1000*s.ms), number(s.bytes), number(s.allocations))
	}
	fmt.Fprintf(w, "\nThe program with net/http alone has %s KiB, %s stripped.\n\n", kib(bare.size), kib(bare.stripped))
	r.writeImportGoals(w, r.imported["retry"], bare)
}

// mostStripped is what the package may add to a program: its instructions, and three times as much for the lines and
// stacks of its functions, for its types and texts, and for what it uses of other packages that net/http does not.
const mostStripped = 280 << 10

func (r *release) writeImportGoals(w io.Writer, ours, bare imported) {
	floor := r.imported[logged]
	if floor.size > 0 {
		own := ours.stripped - floor.stripped
		met := "Met"
		if own > mostStripped {
			met = "Not met"
		}
		fmt.Fprintf(w, "%s (at most %s KiB over net/http and a log/slog value, stripped, %s; the goal was 150 KiB over net/http): it "+
			"is %s KiB. Over net/http alone it is %s KiB, of which symbols that stripping takes away are %s. The floor is log/slog, "+
			"which a Decision implements a method for: a program that makes one value of it has %s KiB more, %s stripped. The "+
			"instructions of the package itself are %s KiB, and the linker adds more than that for their lines and stacks.\n\n",
			met, kib(mostStripped), r.name, kib(own), kib(ours.size-bare.size),
			kib(ours.size-bare.size-(ours.stripped-bare.stripped)),
			kib(floor.size-bare.size), kib(floor.stripped-bare.stripped), kib(ours.code))
	}
	met := "Met"
	if s := ours.starts[module]; s.allocations > 0 || s.bytes > 0 {
		met = "Not met"
	}
	fmt.Fprintf(w, "%s (no work at the start, %s): the package allocates nothing then.\n\n", met, r.name)
}

func kib(bytes int64) string { return number(float64(bytes) / (1 << 10)) }
