package kafka

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// fetchAnswer reads the answer to a fetch of one partition as it passes by, and says
// which offsets are to be left out.
type fetchAnswer struct {
	drop func(offsets)

	aborted []abortedTransaction // of the partition, by their first offset
	pending int                  // how many of aborted begin behind what was read
	open    map[int64]bool       // producers in the middle of one that was aborted
}

// abortedTransaction is one that ended with an abort: its producer's records from
// first up to the marker are to be left out.
type abortedTransaction struct{ producer, first int64 }

// Sizes in bytes.
const (
	recordBatchHead  = 61 // of the format v2, up to its records
	oldHead          = 17 // what every format begins with, up to its number
	partitionFixed   = 4 + 2 + 8 + 8 + 8 + 4
	abortedSize      = 16
	mostAborted      = 1 << 20 // in one answer
	controlRecordTop = 64      // has the whole of a marker's key
)

// read follows the answer, of which the correlation id was read. Older versions than
// 4 know no transactions.
func (a *fetchAnswer) read(f *frames, version int16) {
	a.aborted, a.pending, a.open = nil, 0, map[int64]bool{}
	top := 4 // Throttle time.
	switch version {
	case 5:
	case 10:
		top += 2 + 4 // Error, session.
	default: // kafka-go asks by no other.
		return
	}
	// Then one topic with its name, and one partition.
	f.want(top+4+2, func(b []byte) {
		name := int(int16(binary.BigEndian.Uint16(b[top+4:])))
		f.want(max(name, 0)+4+partitionFixed, func(b []byte) {
			count := int32(binary.BigEndian.Uint32(b[len(b)-4:]))
			if count < 0 || count > mostAborted {
				count = 0
			}
			f.want(int(count)*abortedSize+4, func(b []byte) {
				for ; count > 0; count, b = count-1, b[abortedSize:] {
					a.aborted = append(a.aborted, abortedTransaction{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))})
				}
				slices.SortFunc(a.aborted, func(x, y abortedTransaction) int { return cmp.Compare(x.first, y.first) })
				a.batch(f)
			})
		})
	})
}

// batch reads the head of the next batch of records.
func (a *fetchAnswer) batch(f *frames) {
	f.want(oldHead, func(b []byte) {
		size := int64(binary.BigEndian.Uint32(b[8:])) + 12 // Without the offset and itself.
		if b[16] < 2 {
			f.skip(max(0, size-oldHead))
			a.batch(f)
			return
		}
		first := int64(binary.BigEndian.Uint64(b))
		if size > recordBatchHead {
			f.want(recordBatchHead-oldHead, func(b []byte) { a.head(f, b, first, size-recordBatchHead) })
		}
	})
}

// head takes the rest of a batch's head, from its checksum on; records is the size of
// what follows.
func (a *fetchAnswer) head(f *frames, b []byte, first, records int64) {
	const transactional, control = 1 << 4, 1 << 5
	attributes := binary.BigEndian.Uint16(b[4:])
	o := offsets{first, first + int64(binary.BigEndian.Uint32(b[6:]))}
	producer := int64(binary.BigEndian.Uint64(b[26:]))
	for ; a.pending < len(a.aborted) && a.aborted[a.pending].first <= o.last; a.pending++ {
		a.open[a.aborted[a.pending].producer] = true
	}
	switch {
	case attributes&control != 0:
		a.drop(o)
		top := min(records, controlRecordTop)
		f.want(int(top), func(b []byte) {
			if isAbort(b) {
				delete(a.open, producer)
			}
			f.skip(records - top)
			a.batch(f)
		})
		return
	case attributes&transactional != 0 && a.open[producer]:
		a.drop(o)
	}
	f.skip(records)
	a.batch(f)
}

// isAbort reports whether a control record is the marker of an abort: its key is a
// version and a kind, of two bytes each.
func isAbort(record []byte) bool {
	rest := record
	varint := func() (v int64) {
		v, n := binary.Varint(rest)
		rest = rest[max(n, 0):]
		return v
	}
	varint() // Length.
	if len(rest) == 0 {
		return false
	}
	rest = rest[1:] // Attributes.
	varint()        // Timestamp.
	varint()        // Offset.
	return varint() >= 4 && len(rest) >= 4 && binary.BigEndian.Uint16(rest[2:]) == 0
}
