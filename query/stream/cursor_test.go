package stream

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestCursor_Text(t *testing.T) {
	for _, c := range []struct {
		cursor cursor
		want   string
	}{
		{cursor{epoch: 0x9f3a21c4, time: 1776436321000, next: vector{184467, 0, 5}}, "1.9f3a21c4.mo30bht4.3yc3,0,5"},
		{cursor{next: vector{0}}, "1.0.0.0"},
		{cursor{epoch: math.MaxUint32, time: maxCursorTime, next: vector{math.MaxInt64 - 1}}, "1.ffffffff.2htner8qnz.1y2p0ij32e8e6"},
	} {
		got := c.cursor.String()
		back, err := parseCursor(got)
		if err != nil || back.epoch != c.cursor.epoch || back.time != c.cursor.time || !slices.Equal(back.next, c.cursor.next) {
			t.Errorf("%s is read as %+v (%v)", got, back, err)
		}
		if got != c.want {
			t.Errorf("%+v is written as %s, want %s", c.cursor, got, c.want)
		}
	}
}

func TestCursor_Malformed(t *testing.T) {
	for _, text := range []string{
		"", "1", "1.0.0", "1.0.0.", "2.0.0.0", "1.0.0.0.0", "1.0.0.-1", "1.0.0.+1", "1.0.0.1,", "1.0.0.,1", "1.0.0.01", "1..0.0", "1.0..0",
		"1.G.0.0", "1.100000000.0.0", "1.0.0.1Z", "1.0.0.1_0", "1.0.0.1y2p0ij32e8e7", "1.0.0.zzzzzzzzzzzzzz", "1.0.zzzzzzzzzz.0",
		" 1.0.0.0", "1.0.0.0\n", "1.0.0.0\x00", "1.0.0.0:1", `[{"topic":"x","partition":0,"offset":1}]`,
		"1.0.0." + strings.Repeat("0,", maxCursorBytes),
	} {
		if c, err := parseCursor(text); err == nil {
			t.Errorf("%.40q is read as %+v", text, c)
		}
	}
}

// FuzzCursor: whatever is accepted is written back as it was, so that no two
// texts name one place and none hides something.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"1.9f3a21c4.mo2tnnag.3yc3,0,5", "1.0.0.0", "1.0.0.0,", "1.ffffffff.0.1y2p0ij32e8e6"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		if got := c.String(); got != text {
			t.Errorf("%q is written back as %q", text, got)
		}
		_ = c.at().UTC().String()
	})
}

func TestVector(t *testing.T) {
	v := vector{5, 2}
	for _, c := range []struct {
		w      vector
		covers bool
		behind int64
	}{
		{vector{5, 2}, true, 0}, {vector{4, 2}, true, 0}, {vector{6, 2}, false, 1}, {vector{5}, true, 0},
		{vector{5, 2, 0}, true, 0}, {vector{5, 2, 3}, false, 3}, {vector{7, 1, 1}, false, 3},
	} {
		if v.covers(c.w) != c.covers || v.behind(c.w) != c.behind {
			t.Errorf("%v and %v: covers %t, behind %d", v, c.w, v.covers(c.w), v.behind(c.w))
		}
	}
	v.raise(vector{4, 7, 0, 3})
	if want := (vector{5, 7, 0, 3}); !slices.Equal(v, want) {
		t.Errorf("raised to %v, want %v", v, want)
	}
}
