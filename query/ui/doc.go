// Package ui serves the Event Log in the browser from files in the program.
//
// It guarantees that the page runs nothing and loads nothing but what this
// program serves: it works without internet, and its policy blocks the rest.
// The sources are in web; `make build` makes dist of them.
package ui
