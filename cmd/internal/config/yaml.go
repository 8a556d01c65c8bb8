package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"
)

// yaml reads a file: options by name, listeners as URLs or as mappings with url
// and options, predefined topics as CLIENT:ID=TOPIC.
func (s *settings) yaml(file string, b []byte) error {
	doc, err := parser.ParseBytes(b, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			return place(file, syntax.Token).fail("%s", oneLine(syntax.Message))
		}
		return &Error{Where: file, Text: oneLine(err.Error())}
	}
	for i, d := range doc.Docs {
		if i > 0 && d.Start != nil {
			return place(file, d.Start).fail("a second document begins here; put all into one")
		}
		if err := s.mapping(file, d.Body, s.option(file)); err != nil {
			return err
		}
	}
	return nil
}

// option takes one entry of the file's top level.
func (s *settings) option(file string) func(string, at, ast.Node) error {
	return func(name string, here at, value ast.Node) error {
		switch name {
		case "listeners":
			i := -1
			return sequence(file, value, func(n ast.Node) error {
				i++
				return s.yamlListener(file, i, n)
			})
		case "predefined":
			return sequence(file, value, func(n ast.Node) error {
				set, err := scalar(file, n)
				s.predefined = append(s.predefined, set)
				return err
			})
		}
		if _, err := findGlobal(name); err != nil {
			return here.fail("%s", err)
		}
		set, err := scalar(file, value)
		s.globals[name] = set
		return err
	}
}

func (s *settings) yamlListener(file string, i int, n ast.Node) error {
	options := s.listener(i)
	m, isMap := n.(ast.MapNode)
	if isMap && !m.MapRange().Next() {
		return place(file, n.GetToken()).fail("this listener has no url; write one like `url: mqtt://:1883`")
	}
	if !isMap {
		set, err := scalar(file, n)
		options["url"] = set
		return err
	}
	return s.mapping(file, n, func(name string, here at, value ast.Node) error {
		if name != "url" {
			if _, err := findLocal(name, ""); err != nil {
				return here.fail("%s", err)
			}
		}
		set, err := scalar(file, value)
		options[name] = set
		return err
	})
}

// mapping visits the entries of a mapping; an empty document is an empty one.
func (s *settings) mapping(file string, n ast.Node, visit func(string, at, ast.Node) error) error {
	if n == nil || n.Type() == ast.NullType || n.Type() == ast.CommentType {
		return nil
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		return place(file, n.GetToken()).fail("a list of names and values is expected here, such as `log-level: info`")
	}
	seen := map[string]bool{}
	for entries := m.MapRange(); entries.Next(); {
		key := entries.Key()
		if _, plain := key.(*ast.StringNode); !plain {
			return place(file, key.GetToken()).fail("a plain name is expected here, such as `log-level`")
		}
		name, here := key.GetToken().Value, place(file, key.GetToken())
		if seen[name] {
			return here.fail("%q is given twice", name)
		}
		seen[name] = true
		if err := visit(name, here, entries.Value()); err != nil {
			return err
		}
	}
	return nil
}

func sequence(file string, n ast.Node, visit func(ast.Node) error) error {
	q, ok := n.(*ast.SequenceNode)
	if !ok {
		return place(file, n.GetToken()).fail("a sequence is expected here: lines that begin with -")
	}
	for _, v := range q.Values {
		if err := visit(v); err != nil {
			return err
		}
	}
	return nil
}

// scalar is a single value.
func scalar(file string, n ast.Node) (setting, error) {
	here := place(file, n.GetToken())
	v, ok := n.(ast.ScalarNode)
	if !ok || n.Type() == ast.NullType {
		return setting{}, here.fail("a single value is expected here")
	}
	value := v.GetToken().Value
	switch n := n.(type) {
	case *ast.BoolNode: // on and off are words to YAML 1.1 only
		value = map[bool]string{true: "on", false: "off"}[n.Value]
	case *ast.LiteralNode: // its token is the | or > before it
		value = strings.TrimSpace(n.Value.Value)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return setting{}, here.fail("anchors, aliases and tags are not understood here; write the value itself")
	}
	return setting{value, here.where, here.excerpt, inFile}, nil
}

// An at is a place in a file.
type at struct{ where, excerpt string }

func place(file string, t *token.Token) at {
	if t == nil || t.Position == nil {
		return at{where: file}
	}
	var p printer.Printer
	return at{
		where:   fmt.Sprintf("%s:%d:%d", file, t.Position.Line, t.Position.Column),
		excerpt: strings.TrimRight(p.PrintErrorToken(t, false), "\n"),
	}
}

func (a at) fail(format string, args ...any) error {
	return &Error{a.where, fmt.Sprintf(format, args...), a.excerpt}
}

// oneLine joins the lines of a message.
func oneLine(s string) string { return strings.Join(strings.FieldsFunc(s, isBreak), " ") }

func isBreak(r rune) bool { return r == '\n' || r == '\r' }
