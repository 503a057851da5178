package event_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

func TestSearchText(t *testing.T) {
	for name, c := range map[string]struct{ payload, want string }{
		"ASCII": {`{"Amount":450.00,"Currency":"USD"}`, `{"amount":450.00,"currency":"usd"}`},
		"every printable ASCII letter": {
			"{\"a\":\" !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f\"}",
			"{\"a\":\" !#$%&'()*+,-./0123456789:;<=>?@abcdefghijklmnopqrstuvwxyz[]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f\"}",
		},
		"escapes":             {`{"a":"x\"y\\z\/\b\f\n\r\t"}`, "{\"a\":\"x\"y\\z/\b\f\n\r\t\"}"},
		"escaped letters":     {`{"a":"\u00C9\u00e9É"}`, `{"a":"ééé"}`},
		"escaped ASCII":       {`{"a":"\u0041\u0042"}`, `{"a":"ab"}`},
		"surrogate pair":      {`{"a":"\ud83d\udd25 \uD801\uDC00"}`, `{"a":"🔥 𐐨"}`},
		"lone surrogates":     {`{"a":"\ud83d","b":"\udd25\ud83d","c":"\ud83d\n\ud83d\u0041"}`, "{\"a\":\"\ufffd\",\"b\":\"\ufffd\ufffd\",\"c\":\"\ufffd\n\ufffda\"}"},
		"high surrogate last": {`"\ud83d\ud83d\udd25"`, "\"\ufffd🔥\""},
		"NUL":                 {`{"a":"x\u0000y"}`, "{\"a\":\"x\x00y\"}"},
		"escaped backslash u": {`{"a":"\\u00e9"}`, `{"a":"\u00e9"}`},
		"sigma":               {`{"a":"ΟΔΟΣ οδος"}`, `{"a":"οδοσ οδοσ"}`},
		"sharp s":             {`{"a":"GROẞ groß"}`, `{"a":"groß groß"}`},
		"Turkish":             {`{"a":"İIıi"}`, `{"a":"iiii"}`},
		"longer in lower":     {`{"a":"ȺȾ"}`, `{"a":"ⱥⱦ"}`},
		"Kelvin, ohm, long s": {`{"a":"` + "\u212a\u2126\u017f" + `"}`, `{"a":"kωs"}`},
		"no case":             {`{"a":"接続がタイムアウト"}`, `{"a":"接続がタイムアウト"}`},
		"white space stays":   {"{\r\n \"a\" : 1E5 }", "{\r\n \"a\" : 1e5 }"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, "before"+c.want, string(event.SearchText([]byte("before"), []byte(c.payload))))
			var runes []rune
			last := -1
			for at, r := range event.SearchRunes([]byte(c.payload)) {
				require.Greater(t, at, last)
				runes, last = append(runes, r), at
			}
			require.Equal(t, c.want, string(runes))
		})
	}
}

// Whatever the case of a needle and of the text, they meet.
func TestFoldText_MeetsSearchText(t *testing.T) {
	for _, word := range []string{"Zahlung", "ΟΔΌΣ", "Straße", "İstanbul", "ısı", "ПЛАТЁЖ", "Řeřicha", "Ǆ ǅ ǆ", "ﬁ", "𐐀", "x\ny", `quote"s`} {
		text := string(event.AppendJSON(nil, &event.Event{Source: word})) // Any JSON string with the word in it.
		for _, needle := range []string{word, strings.ToUpper(word), strings.ToLower(word), strings.ToTitle(word)} {
			if len([]rune(needle)) == len([]rune(word)) {
				require.Contains(t, string(event.SearchText(nil, []byte(text))), event.FoldText(needle), "%q in %q", needle, word)
			}
		}
	}
}

// The fold is one for all runes that differ only in case, and folding again
// changes nothing.
func TestFoldText_EveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		folded := event.FoldText(string(r))
		if again := event.FoldText(folded); again != folded {
			t.Errorf("%U folds to %q and that to %q", r, folded, again)
		}
		if other := unicode.SimpleFold(r); event.FoldText(string(other)) != folded {
			t.Errorf("%U and %U differ only in case, but fold to %q and %q", r, other, folded, event.FoldText(string(other)))
		}
		if lower := event.FoldText(string(unicode.ToLower(r))); lower != folded {
			t.Errorf("%U folds to %q, its lower case to %q", r, folded, lower)
		}
	}
}

func TestFoldText_InvalidUTF8(t *testing.T) {
	require.Equal(t, "a\ufffdb", event.FoldText("A\xffB"))
}
