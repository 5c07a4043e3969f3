package egg

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// readConfig takes what the agent does around a start.
func (im *importer) readConfig(n *node) {
	im.egg.Stop = im.stringAt(n.get("stop"), "config.stop")
	im.lines["stop"] = n.get("stop").line
	im.readDone(im.inner(n.get("startup"), "config.startup"))
	files := im.inner(n.get("files"), "config.files")
	if files.empty() {
		return
	}
	if files.kind != mapping {
		im.warn(files, "config.files", "this is no map of files: it is left out")
		return
	}
	for i, item := range files.items {
		im.readFile(files.keys[i], item)
	}
}

// inner is a part of config: a map, or the text of one in JSON or YAML. What
// cannot be read is left out, as the panels do; the source keeps it.
func (im *importer) inner(n *node, field string) *node {
	if n.kind != text || strings.TrimSpace(n.text) == "" {
		return n
	}
	doc, fault := parse([]byte(n.text))
	if fault != nil {
		var second *Diagnostic
		if doc, second = parseYAML([]byte(n.text)); second == nil {
			im.warn(n, field, "line %d of the text: %s; it is read as YAML", fault.Line, fault.Message)
		}
	}
	if doc == nil {
		im.warn(n, field, "line %d of the text: %s; it is left out", fault.Line, fault.Message)
		return &node{line: n.line}
	}
	doc.moveTo(n.line)
	return doc
}

// moveTo gives what stood in a text the line of the text.
func (n *node) moveTo(line int) {
	n.line = line
	for _, item := range n.items {
		item.moveTo(line)
	}
}

func (im *importer) readDone(n *node) {
	const field = "config.startup.done"
	done := n.get("done")
	im.lines["done"] = done.line
	im.egg.StripANSI = truth(n.get("strip_ansi"))
	switch {
	case done.scalar():
		im.egg.Done = []string{done.text}
	case done.kind == sequence:
		for i, item := range done.items {
			im.egg.Done = append(im.egg.Done, im.stringAt(item, fmt.Sprintf("%s[%d]", field, i)))
		}
	}
	if len(im.egg.Done) == 0 {
		im.warn(n, field, "nothing says when the program has started: it counts as running at once")
	}
}

// parsers are those that agents know, under the names that eggs use.
var parsers = map[string]string{
	"file": "file", "properties": "properties", "ini": "ini", "json": "json", "yaml": "yaml", "yml": "yaml", "xml": "xml", "toml": "toml",
}

func (im *importer) readFile(path string, n *node) {
	field := "config.files." + path
	find := n.get("find")
	if n.kind != mapping || find.kind != mapping {
		if !n.empty() && !find.empty() {
			im.warn(n, field, "this has no map find of what to set: it is left out")
		}
		return
	}
	parser, known := parsers[n.get("parser").text]
	if !known {
		im.warn(n, field+".parser", "there is no parser %.40q: use file, properties, ini, json, yaml, xml or toml; the file is left out", n.get("parser").text)
		return
	}
	create := n.get("create_file")
	f := spec.File{Path: strings.TrimLeft(path, "/"), Parser: parser, Existing: create.scalar() && !truth(create)}
	for i, value := range find.items {
		f.Set = append(f.Set, im.settings(find.keys[i], value, field+".find."+find.keys[i])...)
	}
	im.egg.Files = append(im.egg.Files, f)
}

// settings are what one key asks for: a value, or several that depend on what
// is there.
func (im *importer) settings(key string, n *node, field string) []spec.Setting {
	if n.kind != mapping {
		if !n.scalar() && n.kind != null {
			im.warn(n, field, "this is no value: it is left out")
			return nil
		}
		return []spec.Setting{setting(key, "", n)}
	}
	var all []spec.Setting
	for i, item := range n.items {
		if !item.scalar() && item.kind != null {
			im.warn(item, field+"."+n.keys[i], "this is no value: it is left out")
			continue
		}
		all = append(all, setting(key, n.keys[i], item))
	}
	return all
}

func setting(key, condition string, n *node) spec.Setting {
	s := spec.Setting{Key: key, If: condition}
	if n.kind == null {
		return s
	}
	s.Value = n.text
	switch n.kind {
	case boolean:
		s.Kind = "bool"
	case whole:
		s.Kind = "int"
	}
	return s
}

func isData(s string) bool { return strings.HasPrefix(s, "data:") }

// readIcon takes the icon from icon, or from image, which had it for a while.
func (im *importer) readIcon(doc *node) {
	field, n := "icon", doc.get("icon")
	if image := doc.get("image"); n.empty() && image.kind == text && isData(image.text) {
		field, n = "image", image
	}
	if n.kind != text || n.text == "" {
		return
	}
	_, body, ok := strings.Cut(n.text, ";base64,")
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
	kind := imageType(data)
	if !isData(n.text) || !ok || err != nil || kind == "" {
		im.warn(n, field, "this is no icon: it is left out; use a data: URI of a PNG, JPEG, WebP, GIF or SVG image in base64")
		return
	}
	im.egg.Icon = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// imageType goes by the bytes: what an icon says of itself may be wrong.
func imageType(data []byte) string {
	head := data[:min(len(data), 512)]
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(data, []byte("RIFF")) && len(data) > 12 && string(data[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(data, []byte("GIF8")):
		return "image/gif"
	case bytes.Contains(head, []byte("<svg")):
		return "image/svg+xml"
	}
	return ""
}
