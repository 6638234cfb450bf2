package retry_test

import (
	"strings"
	"time"
)

// kept is a page that asks its readers to come back a minute after its date, from a cache.
func kept(age string) []string {
	return []string{
		"Retry-After", "Fri, 20 Nov 2026 13:01:00 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT", "Age", age,
	}
}

var dateRows = []retryAfterRow{
	{"IMF-fixdate", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"RFC 850 date", []string{"Retry-After", "Friday, 20-Nov-26 12:01:00 GMT"}, time.Minute},
	{"asctime date", []string{"Retry-After", "Fri Nov 20 12:01:00 2026"}, time.Minute},
	{"another zone", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 +0100"}, -1},
	{"another zone, ahead", []string{"Retry-After", "Fri, 20 Nov 2026 13:01:00 +0100"}, time.Minute},
	{"another zone, behind", []string{"Retry-After", "Fri, 20 Nov 2026 06:31:00 -0530"}, time.Minute},
	{"+0000", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 +0000"}, time.Minute},
	{"UTC", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 UTC"}, time.Minute},
	{"Z", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 Z"}, time.Minute},
	{"small letters", []string{"Retry-After", "fri, 20 nov 2026 12:01:00 gmt"}, time.Minute},
	{"no zone", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00"}, time.Minute},
	{"a zone of RFC 5322", []string{"Retry-After", "Fri, 20 Nov 2026 07:01:00 EST"}, time.Minute},
	{"Pacific time", []string{"Retry-After", "Fri, 20 Nov 2026 05:01:00 PDT"}, time.Minute},
	{"a zone that is not in RFC 5322", []string{"Retry-After", "Fri, 20 Nov 2026 02:01:00 HST"}, time.Minute},
	{"a zone that nobody knows", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 CET"}, time.Minute},
	{"RFC 850 in another zone", []string{"Retry-After", "Friday, 20-Nov-26 13:01:00 +01:00"}, time.Minute},
	{"asctime with a zone", []string{"Retry-After", "Fri Nov 20 12:01:00 UTC 2026"}, time.Minute},
	{"asctime with an offset", []string{"Retry-After", "Fri Nov 20 13:01:00 2026 +0100"}, time.Minute},
	{"a day of one digit", []string{"Retry-After", "Tue, 1 Dec 2026 12:00:00 GMT"}, 264 * time.Hour},
	{"asctime, a day of one digit", []string{"Retry-After", "Tue Dec  1 12:00:00 2026"}, 264 * time.Hour},
	{"blanks", []string{"Retry-After", "  Fri,  20  Nov\t2026  12:01:00   GMT "}, time.Minute},
	{"no blank behind the comma", []string{"Retry-After", "Fri,20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"no comma", []string{"Retry-After", "Fri 20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"no day of the week", []string{"Retry-After", "20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"another day of the week", []string{"Retry-After", "Mon, 20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"dashes, as in a cookie", []string{"Retry-After", "Fri, 20-Nov-2026 12:01:00 GMT"}, time.Minute},
	{"a month in full", []string{"Retry-After", "Friday, 20 November 2026 12:01:00 GMT"}, time.Minute},
	{"a fraction of a second", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:00.250 GMT"}, 250 * time.Millisecond},
	{"no seconds", []string{"Retry-After", "Fri, 20 Nov 2026 12:01 GMT"}, time.Minute},
	{"a leap second", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:60 GMT"}, time.Minute},
	{
		"JavaScript's form",
		[]string{"Retry-After", "Fri Nov 20 2026 13:01:00 GMT+0100 (Central European Time)"}, time.Minute,
	},
	{"RFC 3339", []string{"Retry-After", "2026-11-20T12:01:00Z"}, time.Minute},
	{"RFC 3339 with a fraction", []string{"Retry-After", "2026-11-20T12:00:00.000001Z"}, time.Microsecond},
	{"RFC 3339 with an offset", []string{"Retry-After", "2026-11-20T13:01:00+01:00"}, time.Minute},
	{"RFC 3339 in small letters", []string{"Retry-After", "2026-11-20t12:01:00z"}, time.Minute},
	{"RFC 3339 without an offset", []string{"Retry-After", "2026-11-20 12:01:00"}, time.Minute},
	{"a Time of Go's", []string{"Retry-After", "2026-11-20 12:01:00 +0000 UTC"}, time.Minute},
	{"RFC 3339 in the past", []string{"Retry-After", "2026-11-20T11:59:59Z"}, -1},
	{"no such day", []string{"Retry-After", "Mon, 31 Nov 2026 12:01:00 GMT"}, -1},
	{"no such month", []string{"Retry-After", "2026-13-01T12:01:00Z"}, -1},
	{"day 0", []string{"Retry-After", "Fri, 00 Dec 2026 12:01:00 GMT"}, -1},
	{"no such hour", []string{"Retry-After", "Fri, 20 Nov 2026 24:01:00 GMT"}, -1},
	{"no such offset", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 +9900"}, -1},
	{"after noon", []string{"Retry-After", "Fri, 20 Nov 2026 01:01:00 PM"}, 61 * time.Minute},
	{"at noon", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 pm GMT"}, time.Minute},
	{"at midnight", []string{"Retry-After", "Sat, 21 Nov 2026 12:00:00AM"}, 12 * time.Hour},
	{"no clock", []string{"Retry-After", "Sat, 21 Nov 2026"}, -1},
	{"no year", []string{"Retry-After", "Sat, 21 Nov 12:00:00 GMT"}, -1},
	{"two clocks", []string{"Retry-After", "21 Nov 2026 12:00:00 12:00:00"}, -1},
	{"a year too many", []string{"Retry-After", "21 Nov 2026 12:00:00 GMT 2027"}, -1},
	{"a date and garbage", []string{"Retry-After", "Sat, 21 Nov 2026 12:00:00 GMT!"}, -1},
	{"Unix time is seconds", []string{"Retry-After", "1795176060"}, 1795176060 * time.Second},
	{"in the past", []string{"Retry-After", "Fri, 20 Nov 2026 11:59:59 GMT"}, -1},
	{"right now", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:00 GMT"}, -1},
	{"the epoch", []string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"}, -1},
	{"beyond 292 years", []string{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}, longest},
	{
		"a past date and seconds",
		[]string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT", "Retry-After", "4"}, 4 * time.Second,
	},

	// RFC 9110 section 5.6.7: what appears to be more than 50 years in the future is in the past.
	{
		"RFC 850, 50 years ahead",
		[]string{"Retry-After", "Friday, 20-Nov-76 12:00:00 GMT"},
		time.Date(2076, 11, 20, 12, 0, 0, 0, time.UTC).Sub(now),
	},
	{"RFC 850, a second more", []string{"Retry-After", "Friday, 20-Nov-76 12:00:01 GMT"}, -1},
	{
		"RFC 850, 1969 for http.ParseTime",
		[]string{"Retry-After", "Monday, 20-Nov-69 12:00:00 GMT"},
		time.Date(2069, 11, 20, 12, 0, 0, 0, time.UTC).Sub(now),
	},
	{"RFC 850, in 1999", []string{"Retry-After", "Saturday, 20-Nov-99 12:00:00 GMT"}, -1},
	{
		"RFC 850, in the next century by the server's Date",
		[]string{"Retry-After", "Friday, 01-Jan-00 00:00:09 GMT", "Date", "Thu, 31 Dec 2099 23:59:59 GMT"},
		10 * time.Second,
	},

	{
		"RFC 850, a day that 1900 did not have",
		[]string{"Retry-After", "Tuesday, 29-Feb-00 00:00:09 GMT", "Date", "Mon, 28 Feb 2000 23:59:59 GMT"},
		10 * time.Second,
	},
	{
		"RFC 850, in the century of the server's Date",
		[]string{"Retry-After", "Monday, 01-Jan-68 00:00:09 GMT", "Date", "Mon, 01 Jan 1968 00:00:00 GMT"},
		9 * time.Second,
	},

	{
		"the client is an hour late",
		[]string{"Retry-After", "Fri, 20 Nov 2026 13:00:05 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"},
		5 * time.Second,
	},
	{
		"the client is an hour early",
		[]string{"Retry-After", "Fri, 20 Nov 2026 11:00:05 GMT", "Date", "Fri, 20 Nov 2026 11:00:00 GMT"},
		5 * time.Second,
	},
	{
		"equal to Date",
		[]string{"Retry-After", "Fri, 20 Nov 2026 13:00:00 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, -1,
	},
	{
		"before Date",
		[]string{"Retry-After", "Fri, 20 Nov 2026 12:59:59 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, -1,
	},
	{"bad Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:05 GMT", "Date", "yesterday"}, 5 * time.Second},
	{"empty Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:05 GMT", "Date", ""}, 5 * time.Second},
	{
		"Date in another zone",
		[]string{"Retry-After", "Fri, 20 Nov 2026 13:00:05 GMT", "Date", "Fri, 20 Nov 2026 14:00:00 +0100"},
		5 * time.Second,
	},
	{
		"the second Date",
		[]string{"Retry-After", "Fri, 20 Nov 2026 13:00:05 GMT", "Date", "x", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"},
		5 * time.Second,
	},

	// What a cache kept for a while is that much closer to its date.
	{"Age", kept("20"), 40 * time.Second},
	{"Age of zero", kept("0"), time.Minute},
	{"Age beyond the date", kept("61"), -1},
	{"Age of 300 digits", kept(strings.Repeat("9", 300)), -1},
	{"the first Age", kept("5, 50"), 55 * time.Second},
	{"Age with a sign", kept("-20"), time.Minute},
	{"Age with a fraction", kept("20.5"), time.Minute},
	{"Age is empty", kept(""), time.Minute},
	{"Age without Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 GMT", "Age", "20"}, time.Minute},
	{
		"Age does not matter to seconds",
		[]string{"Retry-After", "5", "Date", "Fri, 20 Nov 2026 13:00:00 GMT", "Age", "3"}, 5 * time.Second,
	},

	{
		"Date does not matter to seconds",
		[]string{"Retry-After", "5", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, 5 * time.Second,
	},
}
