package fleet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProxyLine says what is wrong with a line of a pasted text, without a word
// of the line.
type ProxyLine struct {
	Line int // from 1
	Text string
}

// ParseProxies reads a pasted text: one entry a line, or a table whose first
// line names the columns. What an entry leaves out is taken from usual. Lines
// that are empty or begin with # do not count. A text with wrong lines is to be
// refused whole: the lines that are right are returned all the same.
//
// A line is one of
//
//	scheme://user:password@host:port   parts percent-encoded where they have to be
//	host:port:user:password            the whole rest is the password
//	host:port
//
// and may go on with ,country,label,capacity.
func ParseProxies(text string, usual ProxyEntry) (list []ProxyEntry, wrong []ProxyLine) {
	p := &proxyText{usual: usual, seen: map[string]int{}}
	text = strings.TrimPrefix(text, "\ufeff")
	if columns, comma, at := tableHeader(text); columns != nil {
		p.table(text, columns, comma, at)
	} else {
		lines, n, last := strings.Split(text, "\n"), 0, 0
		for i := range lines {
			if lines[i] = strings.TrimSpace(lines[i]); lines[i] != "" && lines[i][0] != '#' {
				n, last = n+1, i+1
			}
		}
		if n > MaxProxies { // what is too long is not read at all
			return nil, tooManyProxies(n, last)
		}
		for i, line := range lines {
			if line == "" || line[0] == '#' {
				continue
			}
			e, err := p.line(line)
			p.add(i+1, e, err)
		}
	}
	if n := len(p.list) + len(p.wrong); n > MaxProxies {
		return nil, tooManyProxies(n, p.last)
	}
	return p.list, p.wrong
}

func tooManyProxies(n, line int) []ProxyLine {
	return []ProxyLine{{Line: line, Text: fmt.Sprintf("there are %d entries; at most %d can be added at once: divide the text", n, MaxProxies)}}
}

type proxyText struct {
	usual ProxyEntry
	list  []ProxyEntry
	wrong []ProxyLine
	seen  map[string]int // an entry's identity and its line
	last  int
}

func (p *proxyText) add(line int, e ProxyEntry, err error) {
	p.last, e.Line = line, line
	if err == nil {
		e, err = e.Check()
	}
	if err == nil {
		if before := p.seen[e.Key()]; before > 0 {
			err = fmt.Errorf("is the same proxy as line %d: take one of them away", before)
		}
	}
	if err != nil {
		p.wrong = append(p.wrong, ProxyLine{line, lineSentence(err)})
		return
	}
	p.seen[e.Key()] = line
	p.list = append(p.list, e)
}

func lineSentence(err error) string {
	var known *Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

// Key is what makes an entry another one in its team.
func (e ProxyEntry) Key() string {
	return strings.Join([]string{e.Scheme, e.Host, strconv.Itoa(e.Port), e.Username, e.Country}, "\n")
}

func (p *proxyText) line(line string) (ProxyEntry, error) {
	e := p.usual
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes, r.TrimLeadingSpace, r.FieldsPerRecord = true, true, -1
	fields, err := r.Read()
	if err != nil || len(fields) > 4 {
		return e, errors.New("has too many commas: behind the proxy come at most country, label and capacity; where the password has a comma, put the proxy into double quotes")
	}
	if err := e.parseEndpoint(strings.TrimSpace(fields[0])); err != nil {
		return e, err
	}
	for i, column := range []string{"country", "label", "capacity"} {
		if i+1 < len(fields) {
			if err := e.set(column, strings.TrimSpace(fields[i+1])); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

// proxyColumns are those of a table.
func proxyColumns() []string {
	return []string{"label", "scheme", "host", "port", "username", "password", "country", "capacity", "ip_mode", "session_ttl_min"}
}

// tableHeader returns the columns when the first line that counts names them,
// what divides them, and the line's index.
func tableHeader(text string) (columns []string, comma rune, at int) {
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		for _, comma := range ",;\t" {
			columns = nil
			for name := range strings.SplitSeq(line, string(comma)) {
				columns = append(columns, strings.ToLower(strings.Trim(name, ` "`)))
			}
			if slices.Contains(columns, "host") && slices.Contains(columns, "port") {
				return columns, comma, i
			}
		}
		return nil, 0, 0
	}
	return nil, 0, 0
}

func (p *proxyText) table(text string, columns []string, comma rune, header int) {
	sorted := slices.Sorted(slices.Values(columns))
	unknown := slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(proxyColumns(), c) })
	if unknown || len(slices.Compact(sorted)) != len(columns) {
		p.wrong = append(p.wrong, ProxyLine{header + 1, "the columns can be " + strings.Join(proxyColumns(), ", ") + ", each once"})
		return
	}
	// What stands above the header stays as empty lines, so that lines keep
	// their numbers.
	lines := strings.Split(text, "\n")
	for i := range lines[:header+1] {
		lines[i] = ""
	}
	r := csv.NewReader(strings.NewReader(strings.Join(lines, "\n")))
	r.Comma, r.Comment, r.LazyQuotes, r.FieldsPerRecord = comma, '#', true, -1
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if len(fields) == 0 {
			p.wrong = append(p.wrong, ProxyLine{header + 1, "what is below it cannot be read as a table: look for quotes that do not close"})
			return
		}
		line, _ := r.FieldPos(0)
		if strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue
		}
		e := p.usual
		if err == nil && len(fields) > len(columns) {
			err = errors.New("has more columns than the first line: put what has a comma or semicolon in it into double quotes")
		}
		for i := 0; err == nil && i < len(fields); i++ {
			err = e.set(columns[i], fields[i])
		}
		p.add(line, e, err)
	}
}

// set sets a column; an empty text leaves what is usual.
func (e *ProxyEntry) set(column, text string) (err error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil
	}
	switch column {
	case "label":
		e.Label = trimmed
	case "scheme":
		e.Scheme = trimmed
	case "host":
		e.Host = trimmed
	case "port":
		e.Port, err = wholeNumber("port", trimmed)
	case "username":
		e.Username = text
	case "password":
		e.Password = text
	case "country":
		e.Country = trimmed
	case "capacity":
		e.Capacity, err = wholeNumber("capacity", trimmed)
	case "ip_mode":
		e.IPMode = ProxyMode(strings.ToLower(trimmed))
	case "session_ttl_min":
		var minutes int
		minutes, err = wholeNumber("sessionTtlMin", trimmed)
		e.SessionTTL = time.Duration(minutes) * time.Minute
	}
	return err
}

func wholeNumber(field, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, Invalid(field, "must be a whole number from 1 on")
	}
	return n, nil
}

// The forms of a line, for its errors.
const proxyForms = "must be scheme://user:password@host:port, host:port:user:password or host:port"

// parseEndpoint reads the part of a line that says where the proxy is.
func (e *ProxyEntry) parseEndpoint(s string) error {
	scheme, rest, found := strings.Cut(s, "://")
	if found && regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`).MatchString(scheme) {
		e.Scheme = scheme
		return e.parseURL(rest)
	}
	if e.parseColons(s) {
		return nil
	}
	if strings.Contains(s, "@") {
		return e.parseURL(s)
	}
	return errors.New(proxyForms)
}

// parseURL reads user:password@host:port. Passwords may have an @ that nobody
// encoded: the last one counts.
func (e *ProxyEntry) parseURL(s string) (err error) {
	place := s
	if at := strings.LastIndex(s, "@"); at >= 0 {
		place = s[at+1:]
		user, password, _ := strings.Cut(s[:at], ":")
		if e.Username, err = url.PathUnescape(user); err == nil {
			e.Password, err = url.PathUnescape(password)
		}
		if err != nil {
			return errors.New("has a % in the user or password that begins no code such as %40: write %25 for the sign itself")
		}
	}
	host, port, err := net.SplitHostPort(strings.TrimSuffix(place, "/"))
	if err != nil {
		return errors.New(proxyForms)
	}
	e.Host = host
	e.Port, err = wholeNumber("port", port)
	return err
}

// parseColons reads host:port and host:port:user:password; false is neither.
func (e *ProxyEntry) parseColons(s string) bool {
	host, rest, found := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") {
		host, rest, found = strings.Cut(s, "]:")
		host = strings.TrimPrefix(host, "[")
	}
	parts := strings.SplitN(rest, ":", 3)
	port, err := strconv.ParseUint(parts[0], 10, 16)
	if !found || err != nil || len(parts) == 2 {
		return false
	}
	e.Host, e.Port = host, int(port)
	if len(parts) == 3 {
		e.Username, e.Password = parts[1], parts[2]
	}
	return true
}
