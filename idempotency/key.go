package idempotency

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var errEmpty = errors.New("idempotency: the Key function returned an empty key")

// value returns a new key as it is sent.
func (t *Transport) value(req *http.Request) (string, error) {
	if t.Key == nil {
		return t.format(rand.Text())
	}
	return t.format(t.Key(req))
}

func (t *Transport) format(key string) (string, error) {
	if key == "" {
		return "", errEmpty
	}
	// Field values may hold more (RFC 9110 section 5.5), but strings of structured fields do not, and servers would
	// not all compare it alike.
	for i := range len(key) {
		if c := key[i]; c < ' ' || c > '~' {
			return "", fmt.Errorf("idempotency: a byte of the key is not printable ASCII: %#02x at index %d", c, i)
		}
	}
	if t.Quoted {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`, nil
	}
	if key[0] == ' ' || key[len(key)-1] == ' ' {
		return "", errors.New("idempotency: the key begins or ends with a space, which is lost unless it is Quoted")
	}
	return key, nil
}

// tokenChars are those of a field name (RFC 9110 section 5.6.2).
const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// fieldName returns the key of the header map for the field.
func fieldName(name string) (string, error) {
	if name == "" {
		return "Idempotency-Key", nil
	}
	if strings.Trim(name, tokenChars) != "" {
		return "", fmt.Errorf("idempotency: Transport.Header is no field name: %q", name)
	}
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return "", fmt.Errorf("idempotency: Transport.Header is a field that net/http does not send as it is: %s", name)
	}
	return name, nil
}
