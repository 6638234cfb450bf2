package hint_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry/hint"
)

func rateLimit(lines ...string) (time.Duration, bool) {
	return hint.RateLimit(&http.Response{StatusCode: 429, Header: http.Header{"Ratelimit": lines}}, now)
}

// TestAStructuredFieldIsReadStrictly puts what RFC 9651 allows and what it does not beside a wait, which is read only
// if the whole field is valid.
func TestAStructuredFieldIsReadStrictly(t *testing.T) {
	for _, row := range []struct {
		section string
		valid   []string
		invalid []string
	}{
		{
			"3.3.1, Integer",
			[]string{"0", "-0", "042", "999999999999999", "-999999999999999"},
			[]string{"-", "--1", "+1", "1000000000000000", "1 2"},
		},
		{
			"3.3.2, Decimal",
			[]string{"1.5", "-1.5", "0.0", "123456789012.123"},
			[]string{"1.", ".5", "1.1234", "1234567890123.1", "1.2.3", "1.-5"},
		},
		{
			"3.3.3, String",
			[]string{`""`, `"a"`, `"a, b; c"`, `"\"\\"`, `"~ "`},
			[]string{`"`, `"a`, `"\a"`, `"\`, "\"\x7f\"", "\"\t\"", `"é"`},
		},
		{
			"3.3.4, Token",
			[]string{"a", "A/b:c", "*", "foo123/456", "a~b"},
			[]string{"!not", "a(b", "a@b"},
		},
		{
			"3.3.5, Byte Sequence",
			[]string{"::", ":aGVsbG8=:", ":aGVsbG8:", ":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:"},
			[]string{":", ":aGVsbG8=", ":a b:", ":_-Ah:", ":aGVs=G8=:"},
		},
		{"3.3.6, Boolean", []string{"?0", "?1"}, []string{"?", "?2", "?01", "?true"}},
		{"3.3.7, Date", []string{"@0", "@1659578233", "@-1659578233"}, []string{"@", "@1.5", "@a"}},
		{
			"3.3.8, Display String",
			[]string{`%""`, `%"plain"`, `%"f%c3%bc%c3%bc"`},
			[]string{`%`, `%"`, `%"a`, `%"%C3%BC"`, `%"%c3"`, `%"%c`, `%"é"`, `%x`},
		},
	} {
		for _, value := range row.valid {
			assert.Equal(t, "30s", inWords(rateLimit(`"a";r=0;t=30;x=`+value)), "%s: %q", row.section, value)
		}
		for _, value := range row.invalid {
			assert.Equal(t, "none", inWords(rateLimit(`"a";r=0;t=30;x=`+value)), "%s: %q", row.section, value)
		}
	}
}

func TestALimitIsReadFromAListOnly(t *testing.T) {
	for _, value := range []string{
		`a;r=0;t=30`, `"a";r=0;t=30 `, ` "a"; r=0;  t=30`, `"a";r=0;t=30;x`, `"a";r=0;t=30;*x-y_z.0=1`,
		`"a";r=9;r=0;t=30`,
		`"a";r=0;t=30 , "b";r=1`, "\"a\";r=0;t=30,\t\"b\";r=1", `"b";r=0;t=0,"a";r=0;t=30`,
	} {
		assert.Equal(t, "30s", inWords(rateLimit(value)), value)
	}
	for _, value := range []string{
		``, ` `, `,`, `"a";r=0;t=30,`, `"a";r=0;t=30,,"b";r=1`, `,"a";r=0;t=30`, `"a";r=0;t=30;`, `"a";r=0;t=30;X=1`,
		`"a" ;r=0;t=30`, `"a";r =0;t=30`, `"a";r= 0;t=30`, `"a";r=0;t=30 "b";r=1`, "\t\"a\";r=0;t=30", `("a");r=0;t=30`,
		`("a" "b");r=0;t=30, "c";r=0;t=30`, `("a"`, `("a""b");r=0`, `("a",);r=0`, `();r=0;t=30`,
		`"a";r=0;t=30;1x`, `"a";r=?0;t=30`,
	} {
		assert.Equal(t, "none", inWords(rateLimit(value)), value)
	}
}

func TestALimitOfAnOlderDraftIsADictionary(t *testing.T) {
	for _, value := range []string{
		`limit=10, remaining=0, reset=30`, `remaining=0,reset=30`, `limit=10;w=60, remaining=0;x, reset=30;y=1`,
		`remaining=5, remaining=0, reset=30`, `ok, remaining=0, reset=30`, `a=(1 "b" c;d), remaining=0, reset=30`,
	} {
		assert.Equal(t, "30s", inWords(rateLimit(value)), value)
	}
	for _, value := range []string{
		`limit=10, remaining=0, reset=30,`, `limit=10 remaining=0, reset=30`, `Limit=10, remaining=0, reset=30`,
		`remaining=0`,
		`reset=30`, `remaining=0, reset`, `remaining, reset=30`, `remaining=0, reset=30.5`, `remaining=0;, reset=30`,
		`a=(1, remaining=0, reset=30`, `a=(1"b"), remaining=0, reset=30`, `=0, remaining=0, reset=30`,
		`remaining=, reset=30`,
	} {
		assert.Equal(t, "none", inWords(rateLimit(value)), value)
	}
}
