// Command cnnc compiles convolutional networks to Go.
//
// Exit codes: 0 for success, 1 for a spec that is wrong, a comparison that
// differs or a file that can't be used, 2 for a command line that makes no sense.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// cli is the command line: one field a command.
type cli struct {
	Build   buildCmd   `cmd:"" help:"Compile a spec to a Go package."`
	Check   checkCmd   `cmd:"" help:"Report what is wrong with specs, and write nothing."`
	Fmt     fmtCmd     `cmd:"" help:"Format specs in place."`
	IR      irCmd      `cmd:"" name:"ir" help:"Print the graph, before or after any pass."`
	Summary summaryCmd `cmd:"" help:"Print a table of a network's layers, or compare several networks."`
	Draw    drawCmd    `cmd:"" help:"Draw a network: SVG, HTML or DOT."`
	Run     runCmd     `cmd:"" help:"Run a network on an input."`
	Verify  verifyCmd  `cmd:"" help:"Compare a network with a reference, layer by layer."`
	Export  exportCmd  `cmd:"" help:"Write a network in another tool's format."`
	Bench   benchCmd   `cmd:"" help:"Measure latency, GFLOP/s and the share of this machine's peak."`
	Nets    netsCmd    `cmd:"" help:"List the networks that come with cnnc."`
	Explain explainCmd `cmd:"" help:"Explain an error code."`

	Version kong.VersionFlag `help:"Print the version."`
}

// version is that of the module, as Go's tools stamp it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// app is what commands get: where to write, and how.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	color  bool // stderr is a terminal that wants colour
}

// exitCode carries kong's wish to exit (after --help) out of its parser.
type exitCode int

// errFailed says that everything there is to say has been printed; exit with 1.
var errFailed = errors.New("failed")

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exitCode:
			code = int(r)
		default:
			panic(r)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("cnnc"),
		kong.Description("Compiles convolutional networks to Go.\n\n"+
			"A SPEC is a .cnn file, or the name of a network that comes with cnnc (see cnnc nets)."),
		kong.Vars{"version": "cnnc " + version()},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the cli struct is malformed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	} else if args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "cnnc: %v\n", err)
		return 2
	}
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, color: report.WantsColor(stderr)}
	switch err := ctx.Run(a); {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 1
	default:
		var usage driver.UsageError
		fmt.Fprintf(stderr, "cnnc: %v\n", err)
		if errors.As(err, &usage) {
			return 2
		}
		return 1
	}
}
