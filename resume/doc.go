// Package resume continues downloads that break off. A [Transport] hands a response on as it came, and if its body
// ends too soon, it asks for the rest with a Range, so that the reader of the body notices nothing but a pause:
//
//	client := &http.Client{Transport: resume.New(retry.New(nil, retry.Policy{}), resume.Policy{})}
//	resp, err := client.Get("https://example.com/image.iso")
//	...
//	_, err = io.Copy(file, resp.Body)
//
// It belongs outside of a [retry.Transport], which then sends each continuation as a request of its own: a status of
// 429 or 500-599 and errors of the network are retried there, within its budget and after its waits.
//
// # What is continued
//
// A GET without a body, whose response is a 200 or, for a caller that asks for a single range, a 206, if
//   - the server names the content by a strong validator: a strong ETag or, without any ETag, a Last-Modified at least
//     a second before Date (RFC 9110 section 8.8.2.2),
//   - the base has not decoded the content ([http.Response.Uncompressed], see [Policy.Identity]),
//   - no trailers are announced, and the server does not say "Accept-Ranges: none",
//   - it is what its status says: not a 200 with the Content-Range of a part, nor a 206 that is multipart/byteranges.
//
// Everything else passes through untouched: the same response with the same body. So does the first request, to the
// header.
//
// # What is believed
//
// Each continuation carries If-Range (RFC 9110 section 13.1.5). A 206 is believed only if its Content-Range starts at
// the first byte that is missing and ends where the response must end, and if its total, ETag and Content-Encoding are
// those of the first response. A 200 with the same validator, unless its Content-Range says that it is a part, is the
// content from its start: it is read up to the byte that is missing, as long as all that is read for nothing comes to
// no more than the length of the response, so that no number of breaks costs more than the content twice. A 200 or 206
// with another validator is [ErrChanged], a 416 that says that the content ends here is the end, and any other answer
// is [ErrRefused]. The reader gets the bytes of one representation, or an error; never a mixture.
//
// A connection that stalls without an error has not broken off. Keep-alive probes of TCP, or
// [http.HTTP2Config.SendPingTimeout], make it one that has.
//
// A server can still lie in a way that nobody could tell: with other bytes under the same strong validator. Whoever
// knows a checksum should look at it.
package resume
