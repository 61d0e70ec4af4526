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
	// that is fs.ErrNotExist. Without it, there is only the library, whose files
	// are then named with LibraryPrefix.
	Read func(path string) ([]byte, error)

	texts map[string][]byte
}

// Text returns the text of a file that was read, by the name it has in
// diagnostics; diag.Render takes it.
func (l *Loader) Text(name string) (string, bool) {
	text, ok := l.texts[name]
	return string(text), ok
}

// read returns the named file, which is the library's if it has the prefix and
// there is no such file of the user's.
func (l *Loader) read(name string) ([]byte, error) {
	if text, ok := l.texts[name]; ok {
		return text, nil
	}
	text, err := l.readNew(name)
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, errors.New("the file is too large")
	}
	l.keep(name, text)
	return text, nil
}

// keep makes text what Text returns for name.
func (l *Loader) keep(name string, text []byte) {
	if l.texts == nil {
		l.texts = map[string][]byte{}
	}
	l.texts[name] = text
}

func (l *Loader) readNew(name string) ([]byte, error) {
	var err error = fs.ErrNotExist
	if l.Read != nil {
		var text []byte
		if text, err = l.Read(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	if rest, ok := strings.CutPrefix(name, LibraryPrefix); ok && l.Library != nil {
		return fs.ReadFile(l.Library, rest)
	}
	return nil, err
}

// inLibrary returns the name of a library file, or "" if there is none.
func (l *Loader) inLibrary(p string) string {
	if l.Library == nil || !fs.ValidPath(p) {
		return ""
	}
	if info, err := fs.Stat(l.Library, p); err != nil || info.IsDir() {
		return ""
	}
	return LibraryPrefix + p
}

// resolve returns the name of the file that p means inside the file from: one
// of the library, or else one beside from. What starts with a dot is never the
// library's.
func (l *Loader) resolve(from, p string, folders ...string) string {
	if !strings.HasPrefix(p, "./") && !strings.HasPrefix(p, "../") {
		for _, folder := range append([]string{""}, folders...) {
			if name := l.inLibrary(path.Join(folder, p)); name != "" {
				return name
			}
		}
	}
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(path.Dir(from), p)
}

// load reads the file that elaboration starts with.
func (e *elab) load(name string) *fileEnv {
	text, err := e.loader.read(name)
	if err != nil {
		at := diag.Pos{File: name}
		e.report(errNoFile(diag.Span{Start: at, End: at}, name, err, nil))
		return nil
	}
	return e.parse(name, text)
}

// parse makes a file's top level, with those of the files it uses. A file with
// errors still declares what could be read.
func (e *elab) parse(name string, text []byte) *fileEnv {
	ast, diags := dsl.Parse(name, text)
	e.diags = append(e.diags, diags...)
	if ast == nil {
		return nil
	}
	f := &fileEnv{name: name, ast: ast, decls: map[string]dsl.Decl{}, consts: map[string]*constant{}}
	e.files[name] = f
	e.loading = append(e.loading, name)
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
	}
	return f
}

// use returns the top level of the file that u names, read once a run.
func (e *elab) use(from *fileEnv, u *dsl.Use) *fileEnv {
	name := e.loader.resolve(from.name, u.Path.Value)
	if i := slices.Index(e.loading, name); i >= 0 {
		e.report(errUseCycle(u.Path.Src, append(slices.Clone(e.loading[i:]), name)))
		return nil
	}
	if f, ok := e.files[name]; ok {
		return f
	}
	text, err := e.loader.read(name)
	if err != nil {
		e.report(errNoFile(u.Path.Src, u.Path.Value, err, e.loader.list("blocks", ".cnn")))
		return nil
	}
	return e.parse(name, text)
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
