package auth

import "time"

// SetNow gives the store a clock; before it is used.
func (s *Store) SetNow(now func() time.Time) { s.now = now }
