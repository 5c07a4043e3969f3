package configfile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// xmlDocument is a text, and where its elements are in it.
type xmlDocument struct {
	content []byte
	eol     string
	root    *xmlElement // nil: there is none yet
}

// xmlElement stands at begin..end; its content at opened..closing. The two
// are the same, and both the end, where it has no closing tag.
type xmlElement struct {
	name                        string
	begin, opened, closing, end int
	written                     []byte // its text, as it is meant
	attributes                  []xmlAttribute
	children                    []*xmlElement
}

// xmlAttribute has its value at from..to, between the quotes.
type xmlAttribute struct {
	name, value string
	from, to    int
}

func (e *xmlElement) text() string { return string(e.written) }

func (e *xmlElement) attribute(name string) (xmlAttribute, bool) {
	for _, a := range e.attributes {
		if a.name == name {
			return a, true
		}
	}
	return xmlAttribute{}, false
}

// parseXML finds the elements. An own stack instead of the decoder's keeps
// names as they are written, with their prefixes.
func parseXML(content []byte) (*xmlDocument, error) {
	d := &xmlDocument{content: content, eol: eolOf(content)}
	decoder := xml.NewDecoder(bytes.NewReader(content))
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // what is ASCII is the same in all that occur
	var open []*xmlElement
	for {
		begin := int(decoder.InputOffset())
		token, err := decoder.RawToken()
		end := int(decoder.InputOffset())
		row, column := decoder.InputPos()
		switch t := token.(type) {
		case xml.StartElement:
			e := &xmlElement{name: fullName(t.Name), begin: begin, opened: end}
			e.attributes = attributes(content[begin:end], begin, t.Attr)
			if err := d.place(open, e); err != nil {
				return nil, faultAt(row, column, "%v", err)
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != fullName(t.Name) {
				return nil, faultAt(row, column, "</%s> ends what is not open", shorten(fullName(t.Name)))
			}
			e := open[len(open)-1]
			e.closing, e.end = begin, end
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].written = append(open[len(open)-1].written, t...)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, faultAt(row, column, "there is text outside of the elements")
			}
		}
		switch {
		case errors.Is(err, io.EOF) && len(open) > 0:
			return nil, faultAt(row, column, "<%s> has no end", shorten(open[len(open)-1].name))
		case errors.Is(err, io.EOF):
			return d, nil
		case err != nil:
			return nil, xmlFault(err, row, column)
		}
	}
}

func (d *xmlDocument) place(open []*xmlElement, e *xmlElement) error {
	switch {
	case len(open) > 0:
		parent := open[len(open)-1]
		parent.children = append(parent.children, e)
	case d.root == nil:
		d.root = e
	default:
		return errors.New("there is a second root, <" + shorten(e.name) + ">")
	}
	return nil
}

func xmlFault(err error, row, column int) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return faultAt(syntax.Line, 0, "%s", syntax.Msg)
	}
	return faultAt(row, column, "%v", err)
}

func fullName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// attributes finds where the values of a tag are, of which the decoder tells
// only what they say. It has checked the tag, so quotes come in pairs.
func attributes(tag []byte, at int, known []xml.Attr) []xmlAttribute {
	var list []xmlAttribute
	i := 0
	for _, a := range known {
		equals := bytes.IndexByte(tag[i:], '=')
		if equals < 0 {
			break
		}
		i += equals + 1
		for i < len(tag) && strings.IndexByte(" \t\r\n", tag[i]) >= 0 {
			i++
		}
		if i >= len(tag) || tag[i] != '"' && tag[i] != '\'' {
			break
		}
		length := bytes.IndexByte(tag[i+1:], tag[i])
		if length < 0 {
			break
		}
		list = append(list, xmlAttribute{fullName(a.Name), a.Value, at + i + 1, at + i + 1 + length})
		i += length + 2
	}
	return list
}
