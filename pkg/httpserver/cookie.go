package httpserver

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
)

// The cookie holds a session. Under TLS it has the prefix that makes browsers
// refuse it from another host or from a connection without TLS.
const (
	sessionCookie       = "daybook_session"
	secureSessionCookie = "__Host-" + sessionCookie
)

// session returns whom the session in the call's cookie stands for.
func (by callers) session(r *http.Request) (auth.Principal, error) {
	text := sessionText(r)
	if by.sessions == nil || text == "" {
		return auth.Principal{}, apierror.New(apierror.KindUnauthenticated, "the call has no key: send Authorization: Bearer KEY, or sign in where this is a browser")
	}
	// Before the session is looked at, so that other sites' pages learn nothing of it.
	if err := sameOrigin(r); err != nil {
		return auth.Principal{}, err
	}
	p, err := by.sessions.VerifySession(r.Context(), text)
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, auth.ErrUnavailable):
		return auth.Principal{}, refusal(err)
	}
	for _, known := range []error{auth.ErrUnknown, auth.ErrRevoked, auth.ErrExpired} {
		if errors.Is(err, known) {
			return auth.Principal{}, &apierror.Error{Kind: apierror.KindUnauthenticated, Detail: "the session has ended: sign in again", Cause: err}
		}
	}
	return auth.Principal{}, err
}

// sessionText returns what the call's cookie holds; empty: it has none.
func sessionText(r *http.Request) string {
	names := []string{secureSessionCookie, sessionCookie}
	if encrypted(r) {
		names = names[:1] // The other could have been set by whoever has a name beside this host's.
	}
	for _, name := range names {
		if cookies := r.CookiesNamed(name); len(cookies) > 0 {
			return cookies[0].Value
		}
	}
	return ""
}

// encrypted reports whether the browser's connection is under TLS, be it to a
// proxy before Daybook. A client that pretends so only harms itself.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://") || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// setSession makes the browser keep the session until it ends.
func setSession(w http.ResponseWriter, r *http.Request, text string, lasts time.Duration) {
	name := sessionCookie
	if encrypted(r) {
		name = secureSessionCookie
	}
	http.SetCookie(w, cookie(name, text, max(1, int(lasts.Seconds()))))
}

// forgetSession makes the browser drop every session that it has sent.
func forgetSession(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{secureSessionCookie, sessionCookie} {
		if len(r.CookiesNamed(name)) > 0 {
			http.SetCookie(w, cookie(name, "", -1))
		}
	}
}

func cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the browser's connection is: without TLS it would not keep it.
		Name: name, Value: value, MaxAge: maxAge, Path: "/",
		HttpOnly: true, Secure: name == secureSessionCookie, SameSite: http.SameSiteStrictMode,
	}
}

// sameOrigin refuses calls from the pages of other sites. Browsers say where a
// call comes from, by Sec-Fetch-Site or else Origin; other clients say
// neither, and have no session that somebody else could abuse.
//
// It holds for reading too: what is read stays hidden from the other page, but
// a stream or a search that is asked for costs something all the same.
func sameOrigin(r *http.Request) error {
	asked := *r
	asked.Method = http.MethodPost // Go's check lets every GET pass.
	if err := new(http.CrossOriginProtection).Check(&asked); err != nil {
		return &apierror.Error{
			Kind: apierror.KindForbidden, Cause: err,
			Detail: "the call comes from the page of another site, or through a proxy that changes the Host header: with a browser's session, only Daybook's own pages may call; a program sends Authorization: Bearer KEY",
		}
	}
	return nil
}
