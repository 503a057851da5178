package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

// startProgress shows on a terminal how far a count has come, twice a second.
// The returned function ends it; elsewhere nothing is shown.
func startProgress(w io.Writer, what string, done *atomic.Int64, total int64) (end func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	began, stop := time.Now(), make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() {
		ticker := time.NewTicker(500 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				fmt.Fprint(w, "\r\033[K")
				return
			case <-ticker.C:
				n := done.Load()
				line := fmt.Sprintf("%s %s", humanize.Comma(n), what)
				if total > 0 {
					line += fmt.Sprintf(" of %s (%d%%)", humanize.Comma(total), 100*n/total)
				}
				fmt.Fprintf(w, "\r\033[K%s, %s/s", line, humanize.Comma(int64(since(began, n))))
			}
		}
	})
	return func() {
		close(stop)
		drawn.Wait()
	}
}
