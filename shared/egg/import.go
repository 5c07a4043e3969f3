package egg

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// Diagnostic is what was found in the file of an egg, and where.
type Diagnostic struct {
	Line    int    `json:"line"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// versions are all there ever were of the two panels' formats.
var versions = []string{"PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3"}

// importer walks one document.
type importer struct {
	egg      Egg
	warnings []Diagnostic
	faults   []Diagnostic
	lines    map[string]int // of the egg's own fields, for what Validate finds
}

// Import reads an egg of Pterodactyl or Pelican, of any version, as JSON or
// YAML (EGG_SPEC §2). With faults there is no egg; warnings tell what its
// author may not have meant. Rules of variables and their defaults are not
// judged: that is done when a container is made.
func Import(data []byte) (Egg, []Diagnostic, []Diagnostic) {
	doc, fault := parse(data)
	if fault != nil {
		if fault.Field == "" {
			fault.Field = "document"
		}
		return Egg{}, nil, []Diagnostic{*fault}
	}
	im := &importer{lines: map[string]int{}}
	if doc.kind != mapping {
		im.fault(doc, "document", "this is not an egg: the document must be an object with meta, name and docker_images")
		return Egg{}, nil, im.faults
	}
	version := doc.get("meta").get("version")
	if !slices.Contains(versions, version.text) {
		im.fault(version, "meta.version", "%.40q is not a version of an egg: it is one of %s", version.text, strings.Join(versions, ", "))
		return Egg{}, nil, im.faults
	}
	im.read(doc)
	im.validate()
	if len(im.faults) > 0 {
		return Egg{}, im.warnings, im.faults
	}
	return im.egg, im.warnings, nil
}

func (im *importer) fault(n *node, field, format string, args ...any) {
	im.faults = append(im.faults, Diagnostic{max(1, n.line), field, fmt.Sprintf(format, args...)})
}

func (im *importer) warn(n *node, field, format string, args ...any) {
	im.warnings = append(im.warnings, Diagnostic{max(1, n.line), field, fmt.Sprintf(format, args...)})
}

func (im *importer) read(doc *node) {
	e := &im.egg
	e.Wings, e.TTY, e.ReadOnly = true, true, true
	e.Volumes = []Volume{{Name: spec.HomeVolume, Container: spec.HomePath}}
	e.Name = strings.TrimSpace(im.string(doc, "name"))
	e.Author = im.string(doc, "author")
	e.Description = unixLines(im.string(doc, "description"))
	e.UUID = im.string(doc, "uuid")
	e.UpdateURL = im.stringAt(doc.get("meta").get("update_url"), "meta.update_url")
	e.Tags = im.list(doc, "tags")
	e.Features = im.list(doc, "features")
	e.Denylist = im.list(doc, "file_denylist")
	im.readIcon(doc)
	im.readImages(doc)
	im.readStartup(doc)
	im.readConfig(doc.get("config"))
	im.readInstall(doc.get("scripts").get("installation"))
	im.readVariables(doc.get("variables"))
}

// string is a text field; what is no text is a fault.
func (im *importer) string(n *node, key string) string { return im.stringAt(n.get(key), key) }

func (im *importer) stringAt(n *node, field string) string {
	im.lines[field] = n.line
	if !n.scalar() && !n.empty() {
		im.fault(n, field, "this must be a text")
	}
	if !n.scalar() {
		return ""
	}
	return n.text
}

// list is a field of texts, without empty ones.
func (im *importer) list(doc *node, key string) []string {
	n := doc.get(key)
	im.lines[key] = n.line
	switch {
	case n.empty():
		return nil
	case n.scalar():
		return []string{n.text}
	case n.kind != sequence:
		im.fault(n, key, "this must be a list of texts")
		return nil
	}
	var list []string
	for i, item := range n.items {
		if s := im.stringAt(item, fmt.Sprintf("%s[%d]", key, i)); s != "" {
			list = append(list, s)
		}
	}
	return list
}

func unixLines(s string) string {
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// readImages takes the images where any version has them: docker_images as a
// map or a list, images, or image. The first is the default.
func (im *importer) readImages(doc *node) {
	field, n := "docker_images", doc.get("docker_images")
	if n.empty() {
		field, n = "images", doc.get("images")
	}
	if image := doc.get("image"); n.empty() && image.kind == text && !isData(image.text) {
		field, n = "image", image
	}
	im.lines["images"] = n.line
	if n.empty() {
		im.lines["images"] = doc.get("docker_images").line
	}
	switch {
	case n.empty():
	case n.scalar():
		im.addImage(n, field, "", n.text)
	default:
		for i, item := range n.items {
			at, name := fmt.Sprintf("%s[%d]", field, i), ""
			if n.kind == mapping {
				at, name = field+"."+n.keys[i], n.keys[i]
			}
			im.addImage(item, at, name, im.stringAt(item, at))
		}
	}
}

func (im *importer) addImage(n *node, field, name, ref string) {
	ref, name = strings.TrimSpace(ref), strings.TrimSpace(name)
	if local, is := strings.CutPrefix(ref, "~"); is {
		im.warn(n, field, "the ~ for an image that is never pulled is left out: nodes use an image that they have")
		ref = local
	}
	if name == "" || name == "~"+ref {
		name = ref
	}
	if slices.ContainsFunc(im.egg.Images, func(i Image) bool { return i.Name == name }) {
		im.warn(n, field, "the image %.80q comes twice: the first one counts", name)
		return
	}
	im.lines[fmt.Sprintf("images[%d]", len(im.egg.Images))] = n.line
	im.egg.Images = append(im.egg.Images, Image{Name: name, Image: ref})
}

// readStartup takes the commands to choose from, or the one that there is.
func (im *importer) readStartup(doc *node) {
	n := doc.get("startup_commands")
	im.lines["startup"] = doc.get("startup").line
	if n.empty() {
		im.egg.Startup = im.string(doc, "startup")
		return
	}
	if n.kind != mapping {
		im.fault(n, "startup_commands", "this must be a map of names to commands")
		return
	}
	for i, item := range n.items {
		field := "startup_commands." + n.keys[i]
		im.egg.Startups = append(im.egg.Startups, Startup{Name: n.keys[i], Command: im.stringAt(item, field)})
	}
	im.lines["startup"] = n.line
	im.egg.Startup = im.egg.Startups[0].Command
	if len(im.egg.Startups) == 1 && n.keys[0] == "Default" {
		im.egg.Startups = nil
	}
}

func (im *importer) readInstall(n *node) {
	const field = "scripts.installation"
	script := unixLines(im.stringAt(n.get("script"), field+".script"))
	if strings.TrimSpace(script) == "" {
		return
	}
	install := &spec.Install{
		Script:     script,
		Image:      strings.TrimSpace(im.stringAt(n.get("container"), field+".container")),
		Entrypoint: im.stringAt(n.get("entrypoint"), field+".entrypoint"),
	}
	if install.Image == "" {
		im.warn(n, field+".container", "no image to install with is named: alpine:3.4 is taken, as Pterodactyl does")
		install.Image = "alpine:3.4"
	}
	if install.Entrypoint == "" {
		im.warn(n, field+".entrypoint", "no interpreter for the script is named: ash is taken, as Pterodactyl does")
		install.Entrypoint = "ash"
	}
	im.lines["install.image"], im.lines["install.script"] = n.get("container").line, n.get("script").line
	im.lines["install"] = n.line
	im.egg.Install = install
}

// placed is a variable with the place that its author wants to show it at.
type placed struct {
	Variable
	sort int
	node *node
}

func (im *importer) readVariables(n *node) {
	if n.empty() {
		return
	}
	if n.kind != sequence {
		im.fault(n, "variables", "this must be a list of variables")
		return
	}
	var all []placed
	at := map[string]int{}
	for i, item := range n.items {
		field := fmt.Sprintf("variables[%d]", i)
		if item.kind != mapping {
			im.fault(item, field, "this must be a variable: an object with name and env_variable")
			continue
		}
		v := im.readVariable(item, field)
		if first, twice := at[v.Env]; twice {
			im.warn(item, field+".env_variable", "%.60q comes twice: the last one counts", v.Env)
			all[first] = v
			continue
		}
		at[v.Env] = len(all)
		all = append(all, v)
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.sort, b.sort) })
	for i, v := range all {
		im.lines[fmt.Sprintf("variables[%d]", i)] = v.node.line
		im.egg.Variables = append(im.egg.Variables, v.Variable)
	}
}

func (im *importer) readVariable(n *node, field string) placed {
	get := func(key string) string { return im.stringAt(n.get(key), field+"."+key) }
	v := placed{node: n, sort: math.MaxInt, Variable: Variable{
		Name: get("name"), Description: unixLines(get("description")), Env: get("env_variable"), Default: get("default_value"),
		Viewable: truth(n.get("user_viewable")), Editable: truth(n.get("user_editable")),
		Rules: im.readRules(n.get("rules"), field+".rules"),
	}}
	if place, err := strconv.Atoi(n.get("sort").text); err == nil {
		v.sort = place
	}
	return v
}

func truth(n *node) bool {
	return n.scalar() && n.text != "" && n.text != "0" && !strings.EqualFold(n.text, "false") && !strings.EqualFold(n.text, "no")
}

func (im *importer) readRules(n *node, field string) []string {
	var rules []string
	switch {
	case n.empty():
	case n.scalar():
		rules = splitRules(n.text)
	case n.kind == sequence:
		for i, item := range n.items {
			if r := im.stringAt(item, fmt.Sprintf("%s[%d]", field, i)); r != "" {
				rules = append(rules, r)
			}
		}
	default:
		im.fault(n, field, "this must be a text such as required|string, or a list")
	}
	for _, rule := range rules {
		if _, err := ParseRules([]string{rule}); err != nil {
			im.warn(n, field, "%v: no container can be made before that is mended", err)
		}
	}
	return rules
}

// splitRules cuts at |, but not within a pattern.
func splitRules(all string) []string {
	var rules []string
	parts := strings.Split(all, "|")
	for i := 0; i < len(parts); i++ {
		rule := parts[i]
		if strings.HasPrefix(rule, "regex:") {
			joined := rule
			for j := i; ; {
				if _, err := ParseRules([]string{joined}); err == nil {
					rule, i = joined, j
					break
				}
				if j++; j >= len(parts) || len(joined) > maxName {
					break
				}
				joined += "|" + parts[j]
			}
		}
		if rule != "" {
			rules = append(rules, rule)
		}
	}
	return rules
}

// validate holds the egg against what every egg must be, and says at which
// line of the file a fault is.
func (im *importer) validate() {
	for _, f := range im.egg.Validate() {
		im.faults = append(im.faults, Diagnostic{im.lineOf(f.Field), f.Field, f.Message})
	}
}

// lineOf is the line of a field, or of the nearest one around it.
func (im *importer) lineOf(field string) int {
	for field != "" {
		if line := im.lines[field]; line > 0 {
			return line
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return 1
}

// Version is the version that the file of an egg says it has, or "".
func Version(data []byte) string {
	doc, fault := parse(data)
	if fault != nil {
		return ""
	}
	return doc.get("meta").get("version").text
}
