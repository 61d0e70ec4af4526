package elaborate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// LibraryPrefix is what the names of library files start with in diagnostics
// and comments.
const LibraryPrefix = "specs/"

// maxFile bounds a spec and a labels file, in bytes.
const maxFile = 4 << 20

// Loader finds the files of a spec: those of the library, which every spec may
// use, and the user's own.
type Loader struct {
	// Library holds blocks/resnet.cnn, labels/imagenet1k.txt, resnext50.cnn and
	// so on.
	Library fs.FS
	// Read returns a file of the user's by its slash-separated path, or an error
	// that is fs.ErrNotExist; nil if there are none.
	Read func(path string) ([]byte, error)

	texts map[string][]byte
}

// Text returns the text of a file that was read, by the name it has in
// diagnostics; diag.Render takes it.
func (l *Loader) Text(name string) (string, bool) {
	text, ok := l.texts[name]
	return string(text), ok
}

// ref names a file.
type ref struct {
	name    string // as diagnostics have it
	library bool   // one of the library's
}

// read returns the text of a file.
func (l *Loader) read(r ref) ([]byte, error) {
	text, err := l.open(r)
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, errors.New("the file is too large")
	}
	l.keep(r.name, text)
	return text, nil
}

func (l *Loader) open(r ref) ([]byte, error) {
	switch {
	case r.library:
		return fs.ReadFile(l.Library, strings.TrimPrefix(r.name, LibraryPrefix))
	case l.Read == nil:
		return nil, fs.ErrNotExist
	default:
		return l.Read(r.name)
	}
}

// keep makes text what Text returns for name.
func (l *Loader) keep(name string, text []byte) {
	if l.texts == nil {
		l.texts = map[string][]byte{}
	}
	l.texts[name] = text
}

// inLibrary returns the library's file of that path, if there is one.
func (l *Loader) inLibrary(p string) (ref, bool) {
	if l.Library == nil || !fs.ValidPath(p) {
		return ref{}, false
	}
	info, err := fs.Stat(l.Library, p)
	return ref{LibraryPrefix + p, true}, err == nil && !info.IsDir()
}

// resolve returns the file that p means inside the file from: one of the library,
// there or in one of its folders, or else one beside from. What starts with a dot
// is always beside from.
func (l *Loader) resolve(from ref, p string, folders ...string) ref {
	if !strings.HasPrefix(p, "./") && !strings.HasPrefix(p, "../") {
		for _, folder := range append([]string{""}, folders...) {
			if r, ok := l.inLibrary(path.Join(folder, p)); ok {
				return r
			}
		}
	}
	if path.IsAbs(p) {
		return ref{name: path.Clean(p)}
	}
	return ref{path.Join(path.Dir(from.name), p), from.library}
}

// load reads the file that elaboration starts with: the user's, or else the
// library's if that has its name.
func (e *elab) load(name string) *fileEnv {
	r := ref{name: name}
	text, err := e.loader.read(r)
	if rest, ok := strings.CutPrefix(name, LibraryPrefix); ok && errors.Is(err, fs.ErrNotExist) {
		if lib, ok := e.loader.inLibrary(rest); ok {
			r = lib
			text, err = e.loader.read(r)
		}
	}
	if err != nil {
		at := diag.Pos{File: name}
		e.report(errNoFile(diag.Span{Start: at, End: at}, name, err, nil))
		return nil
	}
	return e.parse(r, text)
}

// parse makes a file's top level, with those of the files it uses. A file with
// errors still declares what could be read.
func (e *elab) parse(r ref, text []byte) *fileEnv {
	ast, diags := dsl.Parse(r.name, text)
	e.diags = append(e.diags, diags...)
	if ast == nil {
		return nil
	}
	f := &fileEnv{ref: r, ast: ast, decls: map[string]dsl.Decl{}, consts: map[string]*constant{}}
	e.files[r] = f
	e.read = append(e.read, f)
	e.loading = append(e.loading, r)
	defer func() { e.loading = e.loading[:len(e.loading)-1] }()
	for _, d := range ast.Decls {
		if u, ok := d.(*dsl.Use); ok {
			if used := e.use(f, u); used != nil {
				f.uses = append(f.uses, used)
			}
			continue
		}
		id := declName(d)
		if first := f.decls[id.Name]; first != nil {
			e.report(errDeclaredTwice(id.Src, id.Name, declName(first).Src))
			continue
		}
		f.decls[id.Name] = d
		e.checkParams(d)
	}
	return f
}

// checkParams reports parameters of one name.
func (e *elab) checkParams(d dsl.Decl) {
	var params []dsl.Param
	switch d := d.(type) {
	case *dsl.Func:
		params = d.Params
	case *dsl.Block:
		params = d.Params
	case *dsl.Net:
		params = d.Params
	}
	first := map[string]diag.Span{}
	for _, p := range params {
		if at, ok := first[p.Name.Name]; ok {
			e.report(errParamTwice(p.Name.Src, p.Name.Name, at))
			continue
		}
		first[p.Name.Name] = p.Name.Src
	}
}

// use returns the top level of the file that u names, read once a run.
func (e *elab) use(from *fileEnv, u *dsl.Use) *fileEnv {
	r := e.loader.resolve(from.ref, u.Path.Value)
	if i := slices.Index(e.loading, r); i >= 0 {
		var chain []string
		for _, l := range append(slices.Clone(e.loading[i:]), r) {
			chain = append(chain, l.name)
		}
		e.report(errUseCycle(u.Path.Src, chain))
		return nil
	}
	if f, ok := e.files[r]; ok {
		return f
	}
	text, err := e.loader.read(r)
	if err != nil {
		e.report(errNoFile(u.Path.Src, u.Path.Value, err, e.loader.list("blocks", ".cnn")))
		return nil
	}
	return e.parse(r, text)
}

// list returns the files of a folder of the library, sorted, for suggestions.
func (l *Loader) list(folder, ext string) []string {
	if l.Library == nil {
		return nil
	}
	names, err := fs.Glob(l.Library, folder+"/*"+ext)
	if err != nil {
		return nil // what cannot be listed is not suggested
	}
	return names
}

func declName(d dsl.Decl) dsl.Ident {
	switch d := d.(type) {
	case *dsl.Let:
		return d.Name
	case *dsl.Func:
		return d.Name
	case *dsl.Block:
		return d.Name
	case *dsl.Net:
		return d.Name
	}
	panic("elaborate: declaration of unknown type")
}

// netNames returns the names of the nets that f declares, in order.
func (f *fileEnv) netNames() []string {
	var names []string
	for _, d := range f.ast.Decls {
		if n, ok := d.(*dsl.Net); ok && !slices.Contains(names, n.Name.Name) {
			names = append(names, n.Name.Name)
		}
	}
	return names
}
