package openapi

import (
	"bytes"
	_ "embed" // The page is part of the program.
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"daybook/pkg/httpserver"
)

var (
	//go:embed page.css
	pageStyle string
	//go:embed page.html
	pageSource string

	page = template.Must(template.New("docs").Funcs(template.FuncMap{"rich": rich}).Parse(pageSource))
)

// Routes are the calls that show the description. It panics where the file
// in the program is broken, which tests notice.
func Routes() []httpserver.Route {
	d, err := Load()
	if err != nil {
		panic(err)
	}
	html, err := d.page()
	if err != nil {
		panic(err)
	}
	return []httpserver.Route{
		{Method: http.MethodGet, Path: "/openapi.json", Public: true, Handler: func(c echo.Context) error {
			return c.JSONBlob(http.StatusOK, d.json)
		}},
		{Method: http.MethodGet, Path: "/docs", Public: true, Handler: func(c echo.Context) error {
			c.Response().Header().Set("Content-Security-Policy", httpserver.PagePolicy(pageStyle))
			return c.HTMLBlob(http.StatusOK, html)
		}},
	}
}

// What the page shows of the document.
type (
	pageView struct {
		Style       template.CSS
		Title       string
		Description string
		Tags        []tagView
		Schemas     []schemaView
	}
	tagView struct {
		Name, Description string
		Calls             []callView
	}
	callView struct {
		ID, Method, Path, Summary, Description, Access string
		Parameters                                     []parameterView
		Body                                           []contentView
		Answers                                        []answerView
	}
	parameterView struct {
		Name, In, Type, Description, Example string
		Required                             bool
	}
	contentView struct {
		Media   string
		Schema  *nodeView
		Example string
	}
	answerView struct {
		Status, Description string
		Headers             []parameterView
		Content             []contentView
	}
	schemaView struct {
		Name string
		Root *nodeView
	}
	// nodeView is a schema: its type in words, and what is in it.
	nodeView struct {
		Name, Type, Ref, Description string
		Required                     bool
		Members                      []*nodeView
	}
)

// page renders the document.
func (d *Document) page() ([]byte, error) {
	info := d.root.at("info")
	view := pageView{
		Style: template.CSS(pageStyle), Title: info.text("title"), Description: info.text("description"), //nolint:gosec // Our own file.
	}
	for _, tag := range d.root.list("tags") {
		t := tagView{Name: tag.(object).text("name"), Description: tag.(object).text("description")}
		for _, path := range d.root.at("paths") {
			for _, operation := range path.value.(object) {
				if o := operation.value.(object); o.list("tags")[0] == t.Name {
					t.Calls = append(t.Calls, d.call(strings.ToUpper(operation.name), path.name, o))
				}
			}
		}
		view.Tags = append(view.Tags, t)
	}
	for _, s := range d.root.at("components", "schemas") {
		view.Schemas = append(view.Schemas, schemaView{s.name, d.node(s.name, s.value.(object))})
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	return out.Bytes(), nil
}

func (d *Document) call(method, path string, o object) callView {
	c := callView{ID: o.text("operationId"), Method: method, Path: path, Summary: o.text("summary"), Description: o.text("description"), Access: "public"}
	if requirements := o.list("security"); len(requirements) > 0 {
		c.Access = "any key"
		for _, scope := range requirements[0].(object).list("key") {
			c.Access = "scope " + asText(scope)
		}
	}
	for _, p := range o.list("parameters") {
		c.Parameters = append(c.Parameters, d.parameter(p.(object)))
	}
	c.Body = d.contents(d.resolve(o.at("requestBody")).at("content"))
	for _, r := range o.at("responses") {
		response := d.resolve(r.value.(object))
		a := answerView{Status: r.name, Description: response.text("description"), Content: d.contents(response.at("content"))}
		if ref := r.value.(object).text("$ref"); strings.HasSuffix(ref, "/Problem") && r.name != "default" {
			a.Content = nil // They are alike: the default shows it.
		}
		for _, h := range response.at("headers") {
			header := d.parameter(h.value.(object))
			header.Name = h.name
			a.Headers = append(a.Headers, header)
		}
		c.Answers = append(c.Answers, a)
	}
	return c
}

func (d *Document) parameter(o object) parameterView {
	o = d.resolve(o)
	return parameterView{
		Name: o.text("name"), In: o.text("in"), Type: d.typeOf(o.at("schema")), Description: o.text("description"),
		Example: asText(o.get("example")), Required: o.isTrue("required"),
	}
}

func (d *Document) contents(content object) (all []contentView) {
	for _, c := range content {
		o := c.value.(object)
		all = append(all, contentView{Media: c.name, Schema: d.node("", o.at("schema")), Example: asText(o.get("example"))})
	}
	return all
}

// node describes a schema, down to those that have a name.
func (d *Document) node(name string, s object) *nodeView {
	n := &nodeView{Name: name, Type: d.typeOf(s), Description: s.text("description")}
	if ref := s.text("$ref"); ref != "" {
		n.Ref = ref[strings.LastIndexByte(ref, '/')+1:]
		return n
	}
	inner := s
	if items := s.at("items"); items != nil {
		if ref := items.text("$ref"); ref != "" {
			n.Ref = ref[strings.LastIndexByte(ref, '/')+1:]
			return n
		}
		inner = items
	}
	for _, alternative := range s.list("oneOf") {
		n.Members = append(n.Members, d.node("", alternative.(object)))
	}
	for _, p := range inner.at("properties") {
		child := d.node(p.name, p.value.(object))
		for _, required := range inner.list("required") {
			child.Required = child.Required || required == p.name
		}
		n.Members = append(n.Members, child)
	}
	return n
}

// typeOf says in words what a schema allows.
func (d *Document) typeOf(s object) string {
	if ref := s.text("$ref"); ref != "" {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	if s.list("oneOf") != nil {
		return "one of"
	}
	var words []string
	switch t := s.get("type").(type) {
	case string:
		words = append(words, t)
	case []any:
		for _, one := range t {
			words = append(words, fmt.Sprint(one))
		}
	}
	var text strings.Builder
	text.WriteString(strings.Join(words, " or "))
	if items := s.at("items"); items != nil {
		text.WriteString(" of " + d.typeOf(items))
	}
	if format := s.text("format"); format != "" {
		text.WriteString(" (" + format + ")")
	}
	separator := ": "
	for _, v := range s.list("enum") {
		text.WriteString(separator + asText(v))
		separator = ", "
	}
	for _, bound := range []struct{ name, words string }{
		{"minimum", "at least "}, {"maximum", "at most "}, {"maxLength", "characters, at most "}, {"maxItems", "elements, at most "}, {"default", "default "},
	} {
		if v := s.get(bound.name); v != nil {
			text.WriteString(", " + bound.words + asText(v))
		}
	}
	return text.String()
}

func asText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// rich shows the little of Markdown that the document uses: paragraphs, lists of
// one-line points, and code between backticks.
func rich(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		switch {
		case paragraph == "":
		case strings.HasPrefix(paragraph, "- "):
			out.WriteString("<ul>")
			for point := range strings.SplitSeq(paragraph, "\n") {
				out.WriteString("<li>" + withCode(strings.TrimPrefix(point, "- ")) + "</li>")
			}
			out.WriteString("</ul>\n")
		default:
			out.WriteString("<p>" + withCode(paragraph) + "</p>\n")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // Every part is escaped.
}

// withCode escapes a text for HTML, in which code stands between backticks.
func withCode(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			out.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
		} else {
			out.WriteString(template.HTMLEscapeString(part))
		}
	}
	return out.String()
}
