package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A date is what has been found of one so far. The fields of a date tell themselves apart, as RFC 6265 section 5.1.1
// has it for cookies, so that their order, the day of the week and the blanks between them need not be right.
type date struct {
	year, day string // digits; empty: not found yet
	month     time.Month
	clock     time.Duration // since midnight
	clocked   bool
	zone      time.Duration // east of UTC
}

// parseDate reads the forms that [ParseRetryAfter] lists. A year of two digits is the one that RFC 9110 section 5.6.7
// means, seen from ref.
func parseDate(s string, ref time.Time) (time.Time, bool) {
	if t, ok := fixdate(s); ok {
		return t, true
	}
	s, _, _ = strings.Cut(s, "(") // JavaScript adds "(Coordinated Universal Time)"
	var d date
	for s != "" {
		field, rest := s, ""
		if i := strings.IndexAny(s, " \t,"); i >= 0 {
			field, rest = s[:i], s[i+1:]
		}
		if field != "" && !d.take(field) {
			return time.Time{}, false
		}
		s = rest
	}
	return d.time(ref)
}

// fixdate reads an IMF-fixdate (RFC 9110 section 5.6.7), which is what nearly every server writes.
func fixdate(s string) (time.Time, bool) {
	if len(s) != len(http.TimeFormat) {
		return time.Time{}, false
	}
	t, err := time.Parse(http.TimeFormat, s)
	return t, err == nil
}

func (d *date) time(ref time.Time) (time.Time, bool) {
	if d.year == "" || !d.clocked {
		return time.Time{}, false
	}
	year, _ := strconv.Atoi(d.year)
	day, _ := strconv.Atoi(d.day)
	t := time.Date(year, d.month, day, 0, 0, 0, 0, time.UTC)
	if t.Month() != d.month { // no month or no day, or one that there is not
		return time.Time{}, false
	}
	t = t.Add(d.clock - d.zone)
	if len(d.year) == 2 {
		t = nearestCentury(t, ref)
	}
	return t, true
}

// nearestCentury applies RFC 9110 section 5.6.7 to a time in the first century: what appears to be more than 50 years
// in the future is in the past. http.ParseTime pivots at the fixed year 1969 instead.
func nearestCentury(t, ref time.Time) time.Time {
	latest := ref.AddDate(50, 0, 0)
	century := latest.Year() / 100 * 100
	if one := t.AddDate(century, 0, 0); !one.After(latest) {
		return one
	}
	return t.AddDate(century-100, 0, 0)
}

// take sorts a field of a date, and returns whether it can be part of one.
func (d *date) take(field string) bool {
	first := field[0]
	switch {
	case first < '0' || first > '9':
		return d.takeName(field)
	case len(field) > 10 && field[10]|0x20 == 't': // RFC 3339
		return d.takeNumbers(field[:10]) && d.takeClock(field[11:])
	case strings.Contains(field, ":"):
		return d.takeClock(field)
	}
	return d.takeNumbers(field)
}

// takeNumbers takes a number, or what stands between dashes: numbers, and perhaps the name of a month.
func (d *date) takeNumbers(field string) bool {
	for rest, more := field, true; more; {
		field, rest, more = strings.Cut(rest, "-")
		switch n := digits(field); {
		case n != field:
			if !d.takeName(field) {
				return false
			}
		case len(n) == 4 && d.year == "":
			d.year = n
		case len(n) > 2:
			return false
		case d.month == 0 && len(d.year) == 4: // RFC 3339
			m, _ := strconv.Atoi(n)
			d.month = time.Month(m)
		case d.day == "":
			d.day = n
		case d.year == "" && len(n) == 2:
			d.year = n
		default:
			return false
		}
	}
	return true
}

// takeName takes a month, a day of the week, which says nothing, or a zone or offset, which stands behind the time of
// day.
func (d *date) takeName(field string) bool {
	name := letters(field)
	if len(name) < 3 || len(name) < len(field) {
		return d.clocked && d.takeZone(field)
	}
	if m := place(name, "JanFebMarAprMayJunJulAugSepOctNovDec"); m > 0 && d.month == 0 {
		d.month = time.Month(m)
		return true
	}
	return place(name, "SunMonTueWedThuFriSat") > 0 || d.clocked && d.takeZone(field)
}

// place returns which of the names, of three letters each, name begins with, counted from 1, or 0.
func place(name, names string) int {
	for i := 0; i < len(names); i += 3 {
		if strings.EqualFold(name[:3], names[i:i+3]) {
			return i/3 + 1
		}
	}
	return 0
}

// takeClock takes hours, minutes and seconds, with or without a fraction and a zone.
func (d *date) takeClock(field string) bool {
	end := 0
	for end < len(field) && ('0' <= field[end] && field[end] <= ':' || field[end] == '.') {
		end++
	}
	clock := field[:end]
	if strings.Count(clock, ":") == 1 {
		clock += ":00" // RFC 5322 does without seconds
	}
	clock, leap := strings.CutSuffix(clock, ":60") // RFC 9110 section 5.6.7 allows a leap second
	if leap {
		clock += ":59"
		d.clock = time.Second
	}
	t, err := time.Parse("15:04:05", clock)
	if err != nil || d.clocked {
		return false
	}
	d.clock += t.Sub(t.Truncate(24 * time.Hour))
	d.clocked = true
	return d.takeZone(field[end:])
}

// takeZone takes a half of the day, a zone's name, an offset, or a name with an offset. A name that says nothing means
// UTC (RFC 5322 section 4.3). For one in the east, such as CET, that is later than what is meant and never earlier; in
// the west the names are known.
func (d *date) takeZone(field string) bool {
	name := letters(field)
	switch strings.ToUpper(name) {
	case "AM":
		d.clock %= 12 * time.Hour
	case "PM":
		d.clock = d.clock%(12*time.Hour) + 12*time.Hour
	case "ADT":
		d.zone = -3 * time.Hour
	case "EDT", "AST":
		d.zone = -4 * time.Hour
	case "EST", "CDT":
		d.zone = -5 * time.Hour
	case "CST", "MDT":
		d.zone = -6 * time.Hour
	case "MST", "PDT":
		d.zone = -7 * time.Hour
	case "PST", "AKDT":
		d.zone = -8 * time.Hour
	case "AKST":
		d.zone = -9 * time.Hour
	case "HST":
		d.zone = -10 * time.Hour
	}
	return len(name) == len(field) || d.takeOffset(field[len(name):])
}

// takeOffset takes a sign, two digits of hours and perhaps two of minutes.
func (d *date) takeOffset(field string) bool {
	for _, layout := range []string{"-0700", "-07:00", "-07"} {
		if t, err := time.Parse(layout, field); err == nil {
			_, east := t.Zone()
			d.zone = time.Duration(east) * time.Second
			return true
		}
	}
	return false
}
