package bytesize

import "testing"

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"512": 512, "512B": 512, "64KiB": 64 * KiB, " 32 MiB": 32 * MiB, "1GiB": GiB, "0": 0} {
		var got Size
		if err := got.UnmarshalText([]byte(in)); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
		var again Size
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%q: written as %q and read back as %d, %v", in, got, again, err)
		}
	}
	for _, in := range []string{"", "MiB", "-1", "1.5GiB", "32MB", "99999999999GiB"} {
		var got Size
		if err := got.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q: read as %d, want an error", in, got)
		}
	}
}
