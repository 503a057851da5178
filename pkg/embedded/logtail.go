package embedded

import (
	"io"
	"os"
	"slices"
	"strings"
)

// tailBytes bounds what is read of a log for a report.
const tailBytes = 32 << 10

// logTail reads what was added to log files since it was made.
type logTail struct {
	files []string
	from  []int64
}

func tailLogs(files ...string) *logTail {
	t := &logTail{files: files, from: make([]int64, len(files))}
	for i, path := range files {
		if info, err := os.Stat(path); err == nil {
			t.from[i] = info.Size()
		}
	}
	return t
}

// lines returns the last lines of each file, at most n together.
func (t *logTail) lines(n int) []string {
	var all []string
	for i, path := range t.files {
		all = append(all, linesSince(path, t.from[i])...)
	}
	return all[max(0, len(all)-n):]
}

// lastLine is the line that most likely says what went wrong.
func (t *logTail) lastLine() string {
	lines := t.lines(1)
	if len(lines) == 0 {
		return "it left nothing in its log"
	}
	return lines[0]
}

func linesSince(path string, from int64) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil // Never written.
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	if info.Size() < from { // Rotated since.
		from = 0
	}
	from = max(from, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Logging ") { // ClickHouse's greeting.
			lines = append(lines, line)
		}
	}
	return lines
}

// fatal reports whether ClickHouse has written that it is crashing.
func (t *logTail) fatal() bool {
	return slices.ContainsFunc(t.lines(reportedLines*5), func(line string) bool {
		// Where the machine is busy it may hang after the first of these.
		return strings.Contains(line, "<Fatal>") && (strings.Contains(line, "Short fault info") || strings.Contains(line, "Received signal"))
	})
}

// size is how much has been written to the files.
func (t *logTail) size() (n int64) {
	for i, path := range t.files {
		if info, err := os.Stat(path); err == nil {
			n += info.Size() - t.from[i]
		}
	}
	return n
}
