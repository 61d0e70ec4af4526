package elaborate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// preprocess is a net's contract with the picture, as stated.
type preprocess struct {
	at     diag.Span
	fields map[string]argument
}

// labelList is a net's class names.
type labelList struct {
	at    diag.Span
	names []string
}

var (
	preprocessFields = []string{"resize", "crop", "filter", "scale", "mean", "std", "channels"}
	filters          = []string{"bilinear", "bicubic", "nearest", "box", "lanczos"}
	channelOrders    = []string{"rgb", "bgr", "gray"}
)

func (e *elab) preprocess(s *scope, st *dsl.Preprocess) {
	p := &preprocess{at: st.Src, fields: map[string]argument{}}
	for _, f := range st.Fields {
		v := e.expr(s, f.Value)
		switch {
		case f.Name == nil:
			e.report(errFieldWithoutName(f.Src))
		case !slices.Contains(preprocessFields, f.Name.Name):
			e.report(errUnknownField(f.Name.Src, f.Name.Name, preprocessFields))
		case p.fields[f.Name.Name].at.Start.IsValid():
			e.report(errFieldTwice(f.Name.Src, f.Name.Name))
		default:
			p.fields[f.Name.Name] = argument{value: v, at: f.Value.Span(), name: f.Name}
		}
	}
	if !e.top().root {
		return // of a net used as a block: only the network's own counts
	}
	if e.pre != nil {
		e.report(errContractTwice(st.Src, "preprocess", e.pre.at))
		return
	}
	e.pre = p
}

func (e *elab) labels(s *scope, st *dsl.Labels) {
	v := e.expr(s, st.Value)
	if !e.top().root || isBad(v) {
		return
	}
	if e.labelled != nil {
		e.report(errContractTwice(st.Src, "labels", e.labelled.at))
		return
	}
	l := &labelList{at: st.Src}
	switch v := v.(type) {
	case string:
		text, err := e.loader.read(e.loader.resolve(e.top().file.ref, v, "labels"))
		if err != nil {
			known := e.loader.list("labels", ".txt")
			for i := range known {
				known[i] = path.Base(known[i])
			}
			e.report(errNoFile(st.Value.Span(), v, err, known))
			return
		}
		l.names = strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	case list:
		for _, x := range v.elems {
			name, ok := x.(string)
			if !ok {
				e.report(errKind(st.Value.Span(), "a label", "a string", x))
				return
			}
			l.names = append(l.names, name)
		}
	default:
		e.report(errKind(st.Value.Span(), "labels", "the name of a file or a list of strings", v))
		return
	}
	e.labelled = l
}

// finishContract checks preprocessing and labels against the graph's input and
// output, and sets them on it. Labels are for the number of classes that the net is
// written with: where it was changed, they are left out, and nobody needs telling.
func (e *elab) finishContract(g *ir.Graph) {
	if e.pre != nil {
		g.Preprocess = e.picture(e.pre, e.inputs[0])
	}
	if e.labelled != nil {
		out := e.outputs[0]
		if n := out.tensor.shape.Channels(); n != len(e.labelled.names) {
			if !e.varied {
				e.report(warnLabels(e.labelled.at, len(e.labelled.names), out.name, n, out.at))
			}
			return
		}
		g.Labels = e.labelled.names
	}
}

// picture is the preprocessing for an input. What is not stated is neutral: no
// enlarging, pixels from 0 to 1, as they are.
func (e *elab) picture(p *preprocess, in input) *ir.Preprocess {
	s := in.tensor.shape
	if !s.IsMap() || s.Channels() != 1 && s.Channels() != 3 {
		e.report(errNoPicture(p.at, s, in.at))
		return nil
	}
	pre := &ir.Preprocess{
		Crop:     shape.Size{H: s.Height(), W: s.Width()},
		Filter:   "bilinear",
		Scale:    1.0 / 255,
		Channels: "rgb",
	}
	if s.Channels() == 1 {
		pre.Channels = "gray"
	}
	pre.Mean, pre.Std = slices.Repeat([]float64{0}, s.Channels()), slices.Repeat([]float64{1}, s.Channels())
	r := fieldReader{e, p}
	r.text("channels", &pre.Channels, channelOrders)
	r.text("filter", &pre.Filter, filters)
	r.number("scale", &pre.Scale)
	r.crop(&pre.Crop)
	pre.Resize = min(pre.Crop.H, pre.Crop.W)
	r.positive("resize", &pre.Resize)
	r.perChannel("mean", pre.Mean, s, in.at)
	r.perChannel("std", pre.Std, s, in.at)
	if a := p.fields["std"]; slices.Contains(pre.Std, 0) {
		e.report(errKind(a.at, "std", "numbers other than 0", a.value))
	}
	if want := map[string]int{"rgb": 3, "bgr": 3, "gray": 1}[pre.Channels]; want != s.Channels() {
		e.report(errChannelOrder(p.fields["channels"].at, pre.Channels, s, in.at))
	}
	if a, ok := p.fields["crop"]; ok && (pre.Crop.H != s.Height() || pre.Crop.W != s.Width()) {
		e.report(errCrop(a.at, pre.Crop, s, in.at))
	}
	return pre
}

// fieldReader converts the fields of preprocess.
type fieldReader struct {
	e *elab
	p *preprocess
}

func (r *fieldReader) wrong(name, want string) {
	a := r.p.fields[name]
	r.e.report(errKind(a.at, name, want, a.value))
}

func (r *fieldReader) text(name string, to *string, choices []string) {
	a, ok := r.p.fields[name]
	if !ok || isBad(a.value) {
		return
	}
	s, isString := a.value.(string)
	if !isString || !slices.Contains(choices, s) {
		r.wrong(name, "one of "+quoted(choices))
		return
	}
	*to = s
}

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, ", ")
}

func (r *fieldReader) number(name string, to *float64) {
	a, ok := r.p.fields[name]
	if !ok || isBad(a.value) {
		return
	}
	f, isNumber := number(a.value)
	if !isNumber {
		r.wrong(name, "a number")
		return
	}
	*to = f
}

func (r *fieldReader) positive(name string, to *int) {
	a, ok := r.p.fields[name]
	if !ok {
		return
	}
	n, isInt := r.e.asInt(a, name)
	if isInt && (n < 1 || n > shape.MaxAxis) {
		r.wrong(name, "a positive int")
		return
	}
	*to = int(n)
}

func (r *fieldReader) crop(to *shape.Size) {
	a, ok := r.p.fields["crop"]
	if !ok || isBad(a.value) {
		return
	}
	s, isSize := pair(a.value)
	if !isSize || s.h < 1 || s.w < 1 || s.h > shape.MaxAxis || s.w > shape.MaxAxis {
		r.wrong("crop", "a positive int or a size")
		return
	}
	*to = shape.Size{H: int(s.h), W: int(s.w)}
}

// perChannel reads a list with one number a channel, or a number for all.
func (r *fieldReader) perChannel(name string, to []float64, in shape.Shape, at diag.Span) {
	a, ok := r.p.fields[name]
	if !ok || anyBad(a.value) {
		return
	}
	if f, isNumber := number(a.value); isNumber {
		for i := range to {
			to[i] = f
		}
		return
	}
	fs, isList := floats(a.value)
	switch {
	case !isList:
		r.wrong(name, "a list of numbers, one a channel")
	case len(fs) != len(to):
		r.e.report(errPerChannel(a.at, name, len(fs), in, at))
	default:
		copy(to, fs)
	}
}
