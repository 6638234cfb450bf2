package hint

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// bare reads a Bare Item (RFC 9651 section 4.2.3.1).
func (p *parser) bare() (item, bool) {
	if p.rest == "" {
		return item{}, false
	}
	switch c := p.rest[0]; {
	case c == '-' || isDigit(c):
		return p.digits()
	case c == '"':
		return p.quoted()
	case c == '*' || isLower(c|0x20):
		return item{kind: token, text: p.take(isToken)}, true
	case c == ':':
		return p.binary()
	case c == '?':
		value, ok := p.rest[:min(2, len(p.rest))], p.skip("?0") || p.skip("?1")
		return item{kind: boolean, text: value}, ok
	case c == '@':
		p.skip("@")
		i, ok := p.digits()
		return item{kind: date, text: i.text}, ok && i.kind == integer
	case c == '%':
		return p.display()
	}
	return item{}, false
}

// digits reads an Integer or a Decimal (RFC 9651 section 4.2.4).
func (p *parser) digits() (item, bool) {
	all := p.rest
	p.skip("-")
	whole := p.take(isDigit)
	if whole == "" || len(whole) > 15 {
		return item{}, false
	}
	if !p.skip(".") {
		return item{kind: integer, text: all[:len(all)-len(p.rest)]}, true
	}
	part := p.take(isDigit)
	i := item{kind: decimal, text: all[:len(all)-len(p.rest)]}
	return i, len(whole) <= 12 && part != "" && len(part) <= 3
}

// quoted reads a String (RFC 9651 section 4.2.5).
func (p *parser) quoted() (item, bool) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == '"' {
			p.rest = p.rest[i+1:]
			return item{kind: text, text: b.String()}, true
		}
		if c == '\\' {
			if i++; i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return item{}, false
			}
			c = p.rest[i]
		}
		if c < ' ' || c > '~' {
			return item{}, false
		}
		b.WriteByte(c)
	}
	return item{}, false
}

// binary reads a Byte Sequence (RFC 9651 section 4.2.7).
func (p *parser) binary() (item, bool) {
	encoded, rest, closed := strings.Cut(p.rest[1:], ":")
	p.rest = rest
	_, err := base64.StdEncoding.DecodeString(encoded + strings.Repeat("=", -len(encoded)&3))
	if strings.HasSuffix(encoded, "=") {
		_, err = base64.StdEncoding.DecodeString(encoded)
	}
	return item{kind: binary, text: encoded}, closed && err == nil && !strings.ContainsAny(encoded, "\r\n")
}

// display reads a Display String (RFC 9651 section 4.2.10), whose text is left in its code.
func (p *parser) display() (item, bool) {
	const lowerHex = "0123456789abcdef"
	var decoded []byte
	if !p.skip(`%"`) {
		return item{}, false
	}
	for i := 0; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == '"':
			encoded := p.rest[:i]
			p.rest = p.rest[i+1:]
			return item{kind: display, text: encoded}, utf8.Valid(decoded)
		case c < ' ' || c > '~':
			return item{}, false
		case c == '%':
			if i+2 >= len(p.rest) {
				return item{}, false
			}
			high, low := strings.IndexByte(lowerHex, p.rest[i+1]), strings.IndexByte(lowerHex, p.rest[i+2])
			if high < 0 || low < 0 {
				return item{}, false
			}
			c = byte(high<<4 | low)
			i += 2
		}
		decoded = append(decoded, c)
	}
	return item{}, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// isToken: tchar (RFC 9110 section 5.6.2), a colon or a slash.
func isToken(c byte) bool {
	return isLower(c|0x20) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
}
