package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	layout "daybook/pkg/archive"
)

// seen is what the bucket has of a day.
type seen struct {
	number   int         // of the newest manifest; 0: none
	manifest *layout.Day // the newest; nil: none
	named    map[string]bool
	objects  map[string]object // by name within the folder: files of events
	keep     bool              // nothing is known to be an orphan
}

// orphans are the files that no manifest names.
func (s seen) orphans() []string {
	if s.keep {
		return nil
	}
	var names []string
	for name := range s.objects {
		if !s.named[name] {
			names = append(names, name)
		}
	}
	return names
}

// lost are the files that the manifest names and the bucket has not.
func (s seen) lost() map[string]bool {
	lost := map[string]bool{}
	if s.manifest != nil {
		for _, f := range s.manifest.Files {
			if _, ok := s.objects[f.Name]; !ok {
				lost[f.Name] = true
			}
		}
	}
	return lost
}

// folders sorts a listing by days. What is no object of an archive is left out.
func folders(objects []object) map[unit][]object {
	out := map[unit][]object{}
	for _, o := range objects {
		id, day, err := layout.ParseFolder(o.name)
		if err != nil {
			continue
		}
		u := unit{id, day}
		out[u] = append(out[u], o)
	}
	return out
}

// look reads what the bucket has of a day, from a listing of its folder.
func (b *bucket) look(ctx context.Context, u unit, objects []object) (seen, error) {
	s := seen{named: map[string]bool{}, objects: map[string]object{}}
	manifests := map[int]string{}
	for _, o := range objects {
		name := strings.TrimPrefix(o.name, u.folder())
		if n, ok := layout.ManifestNumber(name); ok {
			manifests[n] = o.name
			s.number = max(s.number, n)
		} else if layout.IsData(name) {
			s.objects[name] = o
		}
	}
	for n, name := range manifests {
		data, err := b.read(ctx, name)
		if err != nil {
			return s, err
		}
		m, err := layout.ParseDay(data)
		if err == nil && (m.Tenant != u.tenant || m.Day != u.day.Format(time.DateOnly) || m.Number != n) {
			err = fmt.Errorf("it says that it is number %d of %s of tenant %s: somebody has moved it", m.Number, m.Day, m.Tenant)
		}
		if err != nil {
			if n != s.number {
				s.keep = true // A newer one counts, but what this one names isn't known.
				continue
			}
			return s, faultError{fmt.Errorf("%s: %s: %w", b.place.URL(), name, err)}
		}
		if n == s.number {
			s.manifest = m
		}
		for _, f := range m.Files {
			s.named[f.Name] = true
		}
	}
	return s, nil
}

// faultError says that what the archive has of a day is not what it should be.
type faultError struct{ error }

func (e faultError) Unwrap() error { return e.error }

// lookAt lists a day's folder and looks at it.
func (b *bucket) lookAt(ctx context.Context, u unit) (seen, error) {
	objects, err := b.list(ctx, u.folder())
	if err != nil {
		return seen{}, err
	}
	return b.look(ctx, u, objects)
}
