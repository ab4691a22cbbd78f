package cases

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// Kind is what a handler does.
type Kind int

// The kinds of work.
const (
	Plain   Kind = iota // answers with 128 bytes of text
	JSON                // builds a small API response
	Headers             // reads 20 fields and sets 20
	Echo                // reads the body and answers with its length
	Whole               // holds the body whole and answers with its length
	Large               // answers with a megabyte in parts of 32 KiB
	Mixed               // looks at three fields, reads the body and answers with 128 bytes of JSON
)

// Types of the answers.
const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json"
)

const browserFields = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: application/json\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://shop.example.com/items\r\n"

// Browser is a browser's GET with ten fields, about 390 bytes.
const Browser = "GET /api/v1/items?page=2&sort=name HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" + browserFields +
	"Connection: keep-alive\r\n" +
	"Cookie: session=0123456789abcdef\r\n" +
	"Sec-Fetch-Mode: cors\r\n" +
	"Cache-Control: no-cache\r\n\r\n"

// Simple is a GET that wants the connection to end.
const Simple = "GET /hello HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: curl/8.7.1\r\n" +
	"Accept: */*\r\n" +
	"Connection: close\r\n\r\n"

// post is a request with a body of n bytes.
func post(n int) string {
	return "POST /upload HTTP/1.1\r\n" +
		"Host: shop.example.com\r\n" + browserFields +
		"Content-Type: application/octet-stream\r\n" +
		"Content-Length: " + strconv.Itoa(n) + "\r\n\r\n" + strings.Repeat("0123456789abcdef", n/16)
}

// fieldCount is how many fields Headers reads and sets.
const fieldCount = 20

// The fields of Headers, in the form that net/http calls canonical.
var (
	requestNames  [fieldCount]string
	requestValues [fieldCount]string
	answerNames   [fieldCount]string
	answerValues  [fieldCount]string
	fieldsRequest string
)

func setFields() {
	names := []string{"User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Referer", "Cookie", "Authorization", "Cache-Control", "Origin", "Dnt"}
	values := []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "application/json", "en-US,en;q=0.5", "gzip, br",
		"https://shop.example.com/items", "session=0123456789abcdef", "Bearer 0123456789abcdef0123456789abcdef", "no-cache", "https://shop.example.com", "1",
	}
	var b strings.Builder
	b.WriteString("GET /fields HTTP/1.1\r\nHost: shop.example.com\r\n")
	for i := range fieldCount {
		if i < len(names) {
			requestNames[i], requestValues[i] = names[i], values[i]
		} else {
			requestNames[i], requestValues[i] = fmt.Sprintf("X-Request-Field-%d", i), fmt.Sprintf("value-of-field-%d", i)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", requestNames[i], requestValues[i])
		answerNames[i], answerValues[i] = fmt.Sprintf("X-Answer-Field-%d", i), fmt.Sprintf("value-of-answer-%d", i)
	}
	b.WriteString("\r\n")
	fieldsRequest = b.String()
}

var prepare = sync.OnceFunc(setFields)

// partSize is how much of a large answer is written at once.
const partSize = 32 << 10

var (
	plainBody = strings.Repeat("Shockwave. ", 12)[:128]
	plain     = []byte(plainBody)
	mixedBody = `{"ok":true,"text":"` + strings.Repeat("x", 107) + `"}`
	mixed     = []byte(mixedBody)
	part      = bytes.Repeat([]byte("0123456789abcdef"), partSize/16)
)

const largeSize = 1 << 20

// Want is what each request of a kind is answered with. requestBody is the length
// of the request's.
func (k Kind) Want(requestBody int) *load.Answer {
	prepare()
	text := []string{"Content-Type: " + textType}
	switch k {
	case Plain:
		return &load.Answer{Fields: text, Body: plain}
	case JSON:
		return &load.Answer{Fields: []string{"Content-Type: " + jsonType}, Body: appendItems(nil)}
	case Headers:
		sum := 0
		for i := range fieldCount {
			sum += 2 * len(requestValues[i])
			text = append(text, answerNames[i]+": "+answerValues[i])
		}
		return &load.Answer{Fields: text, Body: strconv.AppendInt(nil, int64(sum), 10)}
	case Echo, Whole:
		return &load.Answer{Fields: text, Body: strconv.AppendInt(nil, int64(requestBody), 10)}
	case Large:
		return &load.Answer{Fields: []string{"Content-Type: application/octet-stream"}, Body: bytes.Repeat(part, largeSize/partSize)}
	}
	return &load.Answer{Fields: []string{"Content-Type: " + jsonType}, Body: mixed}
}

// appendItems is the answer of an API: built field by field, as an encoder that
// was generated would.
func appendItems(b []byte) []byte {
	b = append(b, `{"page":2,"items":[`...)
	for i := range int64(4) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = strconv.AppendInt(b, 81700+i, 10)
		b = append(b, `,"name":"Rain jacket, size `...)
		b = strconv.AppendInt(b, 40+2*i, 10)
		b = append(b, `","price":{"amount":`...)
		b = strconv.AppendInt(b, 12900+100*i, 10)
		b = append(b, `,"currency":"EUR"},"available":`...)
		b = strconv.AppendBool(b, i%2 == 0)
		b = append(b, '}')
	}
	return append(b, `],"next":3}`...)
}

// buffer is what handlers build answers in.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 1<<10)} }}

// isHost tells the field that net/http takes out of its map.
func isHost(name string) bool { return name == "Host" }

// Case is one comparison.
type Case struct {
	// Name is what tables call it.
	Name string
	// Text says what it is.
	Text string
	Kind Kind
	// Request is what is sent at once: Batch requests.
	Request load.Request
	Batch   int
	// Connections are used by turns; Fresh makes a new one each time.
	Connections int
	Fresh       bool
	// Unix is over Unix sockets, whose kernel work is least.
	Unix bool
}

// All are the cases with one request.
func All() []Case {
	prepare()
	list := []Case{
		{Name: "SimpleGET", Text: "a small GET on a new connection each time, 128 bytes of text", Kind: Plain, Request: bytesOf(Simple), Connections: 16, Fresh: true},
		{Name: "KeepAlive", Text: "a browser's GET with ten fields, 390 bytes, on 16 connections; 128 bytes of text", Kind: Plain, Request: bytesOf(Browser), Connections: 16},
		{Name: "ServerAlone", Text: "KeepAlive over Unix sockets, where the kernel has little work to hide the server's", Kind: Plain, Request: bytesOf(Browser), Connections: 16, Unix: true},
		{Name: "JSON", Text: "the same request, answered with JSON that the handler builds, 450 bytes", Kind: JSON, Request: bytesOf(Browser), Connections: 16},
		{Name: "Headers20", Text: "20 request fields, read one by one and all by all, and 20 response fields set", Kind: Headers, Request: bytesOf(fieldsRequest), Connections: 16},
		{Name: "POST4K", Text: "a body of 4 KB, read whole", Kind: Echo, Request: bytesOf(post(4 << 10)), Connections: 16},
		{Name: "POST64K", Text: "a body of 64 KB, read whole", Kind: Echo, Request: bytesOf(post(64 << 10)), Connections: 16},
		{Name: "Whole256K", Text: "a body of 256 KB, held whole in memory", Kind: Whole, Request: bytesOf(post(256 << 10)), Connections: 16},
		{Name: "Large1M", Text: "an answer of 1 MB, written in parts of 32 KiB", Kind: Large, Request: bytesOf(Browser), Connections: 16},
		{Name: "Connections64", Text: "KeepAlive on 64 connections", Kind: Plain, Request: bytesOf(Browser), Connections: 64},
		{Name: "Connections512", Text: "KeepAlive on 512 connections", Kind: Plain, Request: bytesOf(Browser), Connections: 512},
		{Name: "Pipelined16", Text: "KeepAlive's request, 16 sent at once; Shockwave with BatchPipelined, which is how fasthttp always answers", Kind: Plain, Request: bytesOf(strings.Repeat(Browser, 16)), Batch: 16, Connections: 16},
	}
	for i := range list {
		c := &list[i]
		body := 0
		if c.Kind == Echo || c.Kind == Whole {
			_, after, _ := bytes.Cut(c.Request.Bytes, []byte("\r\n\r\n"))
			body = len(after)
		}
		c.Request.Want = c.Kind.Want(body)
		c.Batch = max(1, c.Batch)
	}
	return list
}

func bytesOf(request string) load.Request { return load.Request{Bytes: []byte(request)} }

// Find returns the case of a name.
func Find(name string) (Case, bool) {
	for _, c := range All() {
		if c.Name == name {
			return c, true
		}
	}
	return Case{}, false
}
