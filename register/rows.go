package register

import (
	"bytes"
	"strings"
)

// A row is one row of a table, as it stands in the file.
type row struct {
	line    int      // in which it begins
	cells   []string // shares no memory with other rows
	problem string   // why it could not be read
	partial bool     // so that cells are missing
}

// A rowReader reads the rows of a table. The error is io.EOF after the last
// one; any other means that the file cannot be read on.
type rowReader interface {
	next() (row, error)
}

// csvRows reads CSV as RFC 4180 and spreadsheets write it. A cell in quotation
// marks may hold line breaks. A row that is not well-formed is rejected by
// itself: reading goes on with the line after the one in which it begins, so
// that a quotation mark never closed costs one line.
type csvRows struct {
	lines *lines
	comma byte
}

func (c *csvRows) next() (row, error) {
	line, tooLong, err := c.lines.next()
	if err != nil {
		return row{}, err
	}
	r := row{line: c.lines.n}
	if tooLong {
		r.partial = true
		r.problem = "has more than 1 MiB; is a line break missing?"
		return r, nil
	}
	if bytes.IndexByte(line, '"') < 0 {
		r.cells = split(string(line), c.comma)
		return r, nil
	}
	return c.quoted(r, line)
}

// split cuts a line that holds no quotation marks.
func split(line string, comma byte) []string {
	cells := make([]string, 0, strings.Count(line, string(comma))+1)
	for {
		i := strings.IndexByte(line, comma)
		if i < 0 {
			return append(cells, line)
		}
		cells = append(cells, line[:i])
		line = line[i+1:]
	}
}

// quoted reads a row that holds quotation marks and begins with line.
func (c *csvRows) quoted(r row, line []byte) (row, error) {
	var p quotedRow
	var after [][]byte
	first := string(line)
	size := len(line)
	for {
		if problem := p.feed(line, c.comma); problem != "" {
			r.problem = problem
			break
		}
		if !p.open {
			r.cells = p.cells
			return r, nil
		}
		next, tooLong, err := c.lines.next()
		if err != nil || tooLong || size+len(next) > maxRowBytes {
			r.problem = "has a quotation mark that is never closed"
			if err == nil {
				after = append(after, bytes.Clone(next)) // nil where it was too long
			}
			break
		}
		size += len(next) + 1
		line = bytes.Clone(next)
		after = append(after, line)
	}
	c.lines.giveBack(after)
	r.cells = split(first, c.comma)
	return r, nil
}

// A quotedRow takes in a row line by line.
type quotedRow struct {
	cells []string
	cell  []byte
	open  bool // within quotation marks
}

func (p *quotedRow) feed(line []byte, comma byte) (problem string) {
	i := 0
	if p.open {
		p.cell = append(p.cell, '\n')
	}
	for {
		if !p.open {
			if i >= len(line) || line[i] != '"' {
				end := bytes.IndexByte(line[i:], comma)
				if end < 0 {
					p.cells = append(p.cells, string(line[i:]))
					return ""
				}
				p.cells = append(p.cells, string(line[i:i+end]))
				i += end + 1
				continue
			}
			p.open = true
			p.cell = p.cell[:0]
			i++
		}
		end := bytes.IndexByte(line[i:], '"')
		if end < 0 {
			p.cell = append(p.cell, line[i:]...)
			return ""
		}
		p.cell = append(p.cell, line[i:i+end]...)
		i += end + 1
		switch {
		case i < len(line) && line[i] == '"':
			p.cell = append(p.cell, '"')
			i++
		case i == len(line):
			p.open = false
			p.cells = append(p.cells, string(p.cell))
			return ""
		case line[i] == comma:
			p.open = false
			p.cells = append(p.cells, string(p.cell))
			i++
		default:
			return "has text after a closing quotation mark; a quotation mark within a cell is written twice"
		}
	}
}
