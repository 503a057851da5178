package stream

// bell wakes one stream. Whoever has something for it first changes what the stream
// looks at, and then rings; a stream looks before it sleeps. One channel is cheaper to
// wait on than one for each thing to wait for, and after its write waiting is what
// a live client does most.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default: // It has rung.
	}
}
