// Package specs embeds the networks and the block library, all written in the
// language: NAME.cnn a family, blocks/*.cnn what they are made of, labels/*.txt
// the names of classes.
package specs

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cnnc-dev/cnnc/dsl"
)

//go:embed *.cnn blocks/*.cnn labels/*.txt
var files embed.FS

// Prefix is what the files' names start with in diagnostics and in comments of
// emitted code: where they lie in the repository.
const Prefix = "specs/"

// FS returns the library, with paths such as resnext50.cnn and
// blocks/resnet.cnn.
func FS() fs.FS { return files }

// A Net is a network that comes with the compiler.
type Net struct {
	Name string // as torchvision calls it: resnext50_32x4d
	File string // where it is declared, with the prefix: specs/resnext50.cnn
}

// Nets returns every net of the library, by file and then in the file's order.
func Nets() []Net { return slices.Clone(nets()) }

var nets = sync.OnceValue(func() []Net {
	names, err := fs.Glob(files, "*.cnn")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var nets []Net
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		// A spec with mistakes fails this package's tests; here, what could be
		// read counts.
		f, _ := dsl.Parse(Prefix+name, text)
		for _, d := range f.Decls {
			if n, ok := d.(*dsl.Net); ok {
				nets = append(nets, Net{n.Name.Name, Prefix + name})
			}
		}
	}
	return nets
})

// Find returns the net of that name.
func Find(name string) (Net, bool) {
	i := slices.IndexFunc(nets(), func(n Net) bool { return n.Name == name })
	if i < 0 {
		return Net{}, false
	}
	return nets()[i], true
}

// ReadFile returns the text of a file of the library by its name with or
// without the prefix.
func ReadFile(name string) ([]byte, error) {
	return files.ReadFile(strings.TrimPrefix(name, Prefix))
}
