package draw

import (
	"bytes"
	"html/template"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
)

// HTML writes a page of its own: the picture, and below it the layers, a row a
// node of the network, which unfolds to the operations in it. A click on a node
// leads to its row. Nothing is loaded from elsewhere.
func HTML(d *Drawing) []byte {
	var b bytes.Buffer
	data := struct {
		*Drawing
		SVG    template.HTML // our own, escaped
		Totals string
	}{d, template.HTML(svg(d, true)), totals(d)}
	if err := pageTemplate.Execute(&b, data); err != nil {
		panic(err) // the template is a constant, and the buffer never fails
	}
	return b.Bytes()
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"thousands": report.Count, "threeDigits": threeDigits}).Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Name}}</title>
<style>
body{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;font-size:14px;color:#111;background:#fff;margin:1em auto;max-width:72em;padding:0 1em}
svg{max-width:100%;height:auto;display:block;margin:auto}
h2{font-size:1.1em}
summary,.head{display:grid;grid-template-columns:1.2em 3fr 3fr 2fr 1fr 1fr;gap:.5em;padding:.25em 0;border-top:1px solid #ddd;cursor:pointer}
.head{border:0;cursor:auto;color:#444}
summary::marker,summary::-webkit-details-marker{display:none;content:""}
summary::before{content:"+";color:#777}
details[open]>summary::before{content:"–"}
summary>:nth-child(n+4),.head>:nth-child(n+5),td:nth-child(n+4),th:nth-child(n+4){text-align:right}
b+i{font-style:normal;color:#444;margin-left:.5em}
table{border-collapse:collapse;margin:.25em 0 1em 1.7em;font-size:.9em}
td,th{padding:.15em .8em .15em 0;text-align:left;font-weight:normal}
th{color:#444}
:target{background:#fff6d8}
</style>
</head>
<body>
{{.SVG}}
<h2>Layers</h2>
<div class="head"><span></span><span>layer</span><span>name</span><span>output</span><span>parameters</span><span>MACs</span></div>
{{range $i, $n := .Network.Nodes}}{{if .Layers}}<details>
<summary><span><b>{{.Title}}</b>{{with .Detail}}<i>{{.}}</i>{{end}}{{if gt .Count 1}} ×{{.Count}}{{end}}</span><span>{{.Name}}</span><span>{{.Shape}}</span><span>{{threeDigits .Params}}</span><span>{{threeDigits .MACs}}</span></summary>
<table id="n{{$i}}">
<tr><th>name</th><th>operation</th><th>from</th><th>output</th><th>parameters</th><th>MACs</th></tr>
{{range .Layers}}<tr><td>{{.Name}}</td><td>{{.Op}}</td><td>{{.Source}}</td><td>{{.Shape}}</td><td>{{if .Params}}{{thousands .Params}}{{end}}</td><td>{{if .MACs}}{{thousands .MACs}}{{end}}</td></tr>
{{end}}</table>
</details>
{{end}}{{end}}<p>{{.Totals}}; as PyTorch counts, with {{thousands .Buffers}} running statistics beside. MACs are those of convolutions and linear layers for one image.</p>
</body>
</html>
`))
