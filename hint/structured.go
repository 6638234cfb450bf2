package hint

import "strings"

// A kind is a type of bare item (RFC 9651 section 3.3).
type kind byte

const (
	integer kind = iota + 1
	decimal
	text
	token
	binary
	boolean
	date
	display
	innerList // not a bare item, and nothing that is read here has one
)

// An item is an Item, or an Inner List without its members (RFC 9651 sections 3.1.1 and 3.3).
type item struct {
	kind   kind
	text   string // as it is written, but for text, which is without quotes and backslashes
	params map[string]item
}

// number is the value of an Integer.
func (i item) number() (n int64, ok bool) {
	digits := strings.TrimPrefix(i.text, "-")
	for _, c := range []byte(digits) {
		n = n*10 + int64(c-'0')
	}
	if digits != i.text {
		n = -n
	}
	return n, i.kind == integer
}

// is returns whether the item is a name: a String or a Token with this text.
func (i item) is(name string) bool { return (i.kind == text || i.kind == token) && i.text == name }

// parseList reads a List (RFC 9651 section 4.2.1). What is not one is read as nothing at all.
func parseList(lines []string) (list []item, ok bool) {
	p := parser{strings.Trim(strings.Join(lines, ","), " ")}
	for p.rest != "" {
		member, valid := p.member()
		if !valid || !p.next() {
			return nil, false
		}
		list = append(list, member)
	}
	return list, true
}

// parseDictionary reads a Dictionary (RFC 9651 section 4.2.2).
func parseDictionary(lines []string) (dictionary map[string]item, ok bool) {
	p := parser{strings.Trim(strings.Join(lines, ","), " ")}
	dictionary = make(map[string]item)
	for p.rest != "" {
		key, valid := p.key()
		if !valid {
			return nil, false
		}
		member := item{kind: boolean, text: "?1"}
		if p.skip("=") {
			member, valid = p.member()
		} else {
			member.params, valid = p.parameters()
		}
		if !valid || !p.next() {
			return nil, false
		}
		dictionary[key] = member
	}
	return dictionary, true
}

// A parser holds what is left to read.
type parser struct{ rest string }

func (p *parser) skip(s string) (skipped bool) {
	p.rest, skipped = strings.CutPrefix(p.rest, s)
	return skipped
}

func (p *parser) spaces(set string) { p.rest = strings.TrimLeft(p.rest, set) }

// take cuts off the longest run of bytes that are in.
func (p *parser) take(in func(byte) bool) string {
	i := 0
	for i < len(p.rest) && in(p.rest[i]) {
		i++
	}
	run := p.rest[:i]
	p.rest = p.rest[i:]
	return run
}

// next reads the comma before another member, if there is one.
func (p *parser) next() bool {
	p.spaces(" \t")
	if p.rest == "" {
		return true
	}
	comma := p.skip(",")
	p.spaces(" \t")
	return comma && p.rest != "" // no comma is the last
}

// member reads an Item or an Inner List (RFC 9651 section 4.2.1.1).
func (p *parser) member() (i item, ok bool) {
	if !p.skip("(") {
		return p.item()
	}
	for {
		p.spaces(" ")
		if p.skip(")") {
			i.kind = innerList
			i.params, ok = p.parameters()
			return i, ok
		}
		if _, ok = p.item(); !ok || !strings.HasPrefix(p.rest, " ") && !strings.HasPrefix(p.rest, ")") {
			return item{}, false
		}
	}
}

// item reads an Item (RFC 9651 section 4.2.3).
func (p *parser) item() (i item, ok bool) {
	if i, ok = p.bare(); ok {
		i.params, ok = p.parameters()
	}
	return i, ok
}

// parameters reads Parameters (RFC 9651 section 4.2.3.2). Of one key, the last counts.
func (p *parser) parameters() (params map[string]item, ok bool) {
	for p.skip(";") {
		p.spaces(" ")
		key, valid := p.key()
		value := item{kind: boolean, text: "?1"}
		if valid && p.skip("=") {
			value, valid = p.bare()
		}
		if !valid {
			return nil, false
		}
		if params == nil {
			params = make(map[string]item)
		}
		params[key] = value
	}
	return params, true
}

// key reads a Key (RFC 9651 section 4.2.3.3).
func (p *parser) key() (string, bool) {
	key := p.take(func(c byte) bool { return isLower(c) || isDigit(c) || strings.IndexByte("_-.*", c) >= 0 })
	return key, key != "" && (isLower(key[0]) || key[0] == '*')
}
