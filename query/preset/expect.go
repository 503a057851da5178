package preset

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"daybook/pkg/apierror"
)

// Expect says which versions of a preset a change is meant for.
type Expect struct {
	any      bool
	versions []uint64
}

// ExpectVersion accepts one version.
func ExpectVersion(version uint64) Expect { return Expect{versions: []uint64{version}} }

func (e Expect) accepts(version uint64) bool { return e.any || slices.Contains(e.versions, version) }

// etag returns the entity tag of a version.
func etag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// expectOf reads If-Match (RFC 9110, 13.1.1). Weak tags and such as were never
// given out accept nothing.
func expectOf(r *http.Request) (Expect, error) {
	const name = "If-Match"
	fields := r.Header.Values(name)
	if len(fields) == 0 {
		return Expect{}, apierror.New(apierror.KindUnconditional,
			"send If-Match with the ETag of the preset as you have read it, so that nobody else's change is overwritten; If-Match: * overwrites whatever is there")
	}
	var e Expect
	for tag := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		switch tag = strings.TrimSpace(tag); {
		case tag == "":
		case tag == "*":
			e.any = true
		case strings.HasPrefix(tag, `W/"`) && strings.HasSuffix(tag, `"`) && len(tag) > 3:
		case len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"':
			return e, apierror.Invalid(name, "must be entity tags as they come in ETag, quotes included, or *")
		default:
			if version, err := strconv.ParseUint(tag[1:len(tag)-1], 10, 64); err == nil && etag(version) == tag {
				e.versions = append(e.versions, version)
			}
		}
	}
	if strings.Trim(strings.Join(fields, ""), ", \t") == "" {
		return e, apierror.Invalid(name, "names no entity tag: send those that came in ETag, or *")
	}
	return e, nil
}
