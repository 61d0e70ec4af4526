package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/specs"
)

// Spec is where a network is written down.
type Spec struct {
	// File names the spec from the root of the Go module it lies in, or from its
	// own folder outside of modules: the same from any working directory, so
	// that emitted code can carry it. Files of the embedded library are specs/...
	File string
	// Net is the net asked for by name; "" for the file's default.
	Net string

	loader *elaborate.Loader
	root   string // the folder that File starts from; "" for the library
}

// Find resolves what a user gave as SPEC: a .cnn file, or the name of a network
// that comes with cnnc.
func Find(spec string) (*Spec, error) {
	if filepath.Ext(spec) == ".cnn" {
		return findFile(spec)
	}
	net, ok := specs.Find(spec)
	if !ok {
		message := fmt.Sprintf("no network is named %s", spec)
		if near := diag.Suggest(spec, netNames()); near != "" {
			message += fmt.Sprintf("; did you mean %s?", near)
		}
		return nil, errors.New(message + " (a spec file ends in .cnn; cnnc nets lists the networks that come with cnnc)")
	}
	return &Spec{
		File:   net.File,
		Net:    net.Name,
		loader: &elaborate.Loader{Library: specs.FS()},
	}, nil
}

func netNames() []string {
	var names []string
	for _, n := range specs.Nets() {
		names = append(names, n.Name)
	}
	return names
}

func findFile(spec string) (*Spec, error) {
	abs, err := filepath.Abs(spec)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("%s: %w", spec, errors.Unwrap(err))
	}
	s := &Spec{root: moduleRoot(filepath.Dir(abs))}
	rel, err := filepath.Rel(s.root, abs)
	if err != nil {
		return nil, err
	}
	s.File = filepath.ToSlash(rel)
	s.loader = &elaborate.Loader{
		Library: specs.FS(),
		Read:    func(name string) ([]byte, error) { return os.ReadFile(s.local(name)) },
	}
	return s, nil
}

// moduleRoot returns the nearest folder above dir, or dir itself, that has a
// go.mod; dir if none has.
func moduleRoot(dir string) string {
	for d := dir; ; {
		if info, err := os.Stat(filepath.Join(d, "go.mod")); err == nil && !info.IsDir() {
			return d
		}
		parent := filepath.Dir(d)
		if parent == d {
			return dir
		}
		d = parent
	}
}

// local returns the path of a named file on this machine.
func (s *Spec) local(name string) string {
	if path.IsAbs(name) {
		return filepath.FromSlash(name)
	}
	return filepath.Join(s.root, filepath.FromSlash(name))
}

// localise renames the files of diagnostics to paths from the working
// directory, which editors and people can follow.
func (s *Spec) localise(diags diag.List) diag.List {
	out := make(diag.List, len(diags))
	for i, d := range diags {
		c := *d
		c.Span = s.localSpan(d.Span)
		c.Related = make([]diag.Related, len(d.Related))
		for j, r := range d.Related {
			c.Related[j] = diag.Related{Span: s.localSpan(r.Span), Note: r.Note}
		}
		out[i] = &c
	}
	return out
}

func (s *Spec) localSpan(span diag.Span) diag.Span {
	span.Start.File = s.localName(span.Start.File)
	span.End.File = s.localName(span.End.File)
	return span
}

func (s *Spec) localName(name string) string {
	if s.root == "" || name == "" {
		return name // the library's
	}
	file := s.local(name)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, elaborate.LibraryPrefix) {
		return name
	}
	cwd, err := os.Getwd()
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(cwd, file)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

// Text returns the text of a file that was read, by its localised name.
func (s *Spec) Text(localised string) (string, bool) {
	if s.root != "" {
		if abs, err := filepath.Abs(filepath.FromSlash(localised)); err == nil {
			if rel, err := filepath.Rel(s.root, abs); err == nil {
				if text, ok := s.loader.Text(filepath.ToSlash(rel)); ok {
					return text, true
				}
			}
		}
	}
	return s.loader.Text(localised)
}

// Compile compiles the spec. Diagnostics are localised.
func (s *Spec) Compile(opts compiler.Options) (*compiler.Result, diag.List) {
	r, diags := compiler.Compile(s.loader, s.File, s.Net, opts)
	return r, s.localise(diags)
}

// Overrides parses -D name=value arguments.
func Overrides(args []string) ([]elaborate.Override, error) {
	var list []elaborate.Override
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, Usagef("-D %s: want NAME=VALUE", arg)
		}
		list = append(list, elaborate.Override{Name: name, Value: value})
	}
	return list, nil
}

// Net is a net of a file, and the file.
type Net struct {
	elaborate.NetInfo
	File string
}

// Nets describes the nets of a spec file, the named one of those that come with
// cnnc, or all of those if spec is "".
func Nets(spec string) ([]Net, diag.List, func(file string) (string, bool), error) {
	if spec != "" {
		s, err := Find(spec)
		if err != nil {
			return nil, nil, nil, err
		}
		infos, diags := elaborate.Nets(s.loader, s.File)
		nets := withFile(infos, s.File)
		if s.Net != "" {
			nets = slices.DeleteFunc(nets, func(n Net) bool { return n.Name != s.Net })
		}
		return nets, s.localise(diags), s.Text, nil
	}
	loader := &elaborate.Loader{Library: specs.FS()}
	var all []Net
	var diags diag.List
	last := ""
	for _, n := range specs.Nets() {
		if n.File == last {
			continue
		}
		last = n.File
		infos, found := elaborate.Nets(loader, n.File)
		all = append(all, withFile(infos, n.File)...)
		diags = append(diags, found...)
	}
	return all, diags, loader.Text, nil
}

func withFile(infos []elaborate.NetInfo, file string) []Net {
	nets := make([]Net, len(infos))
	for i, info := range infos {
		nets[i] = Net{info, file}
	}
	return nets
}

// CheckNets compiles the net that the spec names, or every net of its file, and
// returns what is wrong with any of them, each finding once.
func (s *Spec) CheckNets(opts compiler.Options) diag.List {
	if s.Net != "" {
		_, diags := s.Compile(opts)
		return diags
	}
	infos, diags := elaborate.Nets(s.loader, s.File)
	if len(infos) == 0 && len(diags) == 0 {
		_, diags = compiler.Compile(s.loader, s.File, "", opts) // says that there is none
	}
	for _, info := range infos {
		_, found := compiler.Compile(s.loader, s.File, info.Name, opts)
		diags = append(diags, found...)
	}
	diags.Sort()
	return s.localise(diags)
}
