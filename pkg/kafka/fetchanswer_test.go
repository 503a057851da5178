package kafka

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// frame puts its size before a message.
func frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

// batchOf is a batch of the format v2 whose records are as long as said; control: -1
// none, else the kind of a marker.
func batchOf(first, count, producer int64, attributes int16, control, records int) []byte {
	body := make([]byte, records)
	if control >= 0 {
		body = append([]byte{0, 0, 0, 0, 8, 0, 0, 0, byte(control), 12}, make([]byte, 6)...) // Length, attributes, two deltas, the key.
	}
	b := kmsg.RecordBatch{
		FirstOffset: first, Length: int32(49 + len(body)), Magic: 2, Attributes: attributes, LastOffsetDelta: int32(count - 1),
		ProducerID: producer, NumRecords: int32(count), Records: body,
	}
	return b.AppendTo(nil)
}

// answerTo is an answer to a fetch of this version.
func answerTo(version int16, id int32, aborted []abortedTransaction, batches ...[]byte) []byte {
	partition := kmsg.FetchResponseTopicPartition{Partition: 3}
	for _, a := range aborted {
		partition.AbortedTransactions = append(partition.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
	}
	for _, b := range batches {
		partition.RecordBatches = append(partition.RecordBatches, b...)
	}
	answer := kmsg.FetchResponse{Version: version, Topics: []kmsg.FetchResponseTopic{{Topic: "events", Partitions: []kmsg.FetchResponseTopicPartition{partition}}}}
	return frame(answer.AppendTo(binary.BigEndian.AppendUint32(nil, uint32(id))))
}

func requestOf(kind, version int16, id int32) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(kind))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	return frame(append(binary.BigEndian.AppendUint32(b, uint32(id)), "the rest of it"...))
}

// Whatever pieces the bytes come in, the same is left out, and what is no fetch, or is
// cut, spoils nothing.
func TestWatchedConn_InPieces(t *testing.T) {
	const transactional, control = 1 << 4, 1 << 5
	old := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, 5), 30), make([]byte, 30)...)
	old[16] = 1 // The format before.
	aborted := []abortedTransaction{{8, 12}, {7, 10}, {7, 40}}
	batches := [][]byte{
		old,
		batchOf(10, 2, 7, transactional, -1, 500),
		batchOf(12, 1, 8, transactional, -1, 3),
		batchOf(13, 5, 9, transactional, -1, 70), // Committed.
		batchOf(18, 2, -1, 0, -1, 10),
		batchOf(20, 1, 7, transactional|control, 0, 0),
		batchOf(21, 3, 7, transactional, -1, 90), // Its next transaction is committed.
		batchOf(24, 1, 7, transactional|control, 1, 0),
		batchOf(25, 1, 8, transactional, -1, 4000),
		batchOf(26, 1, 8, transactional|control, 0, 0),
		batchOf(40, 1, 7, transactional, -1, 100)[:70], // Cut, as the last of an answer is.
	}
	want := []offsets{{10, 11}, {12, 12}, {20, 20}, {24, 24}, {25, 25}, {26, 26}, {40, 40}}
	for _, version := range []int16{5, 10} {
		requests := append(requestOf(3, 1, 1), requestOf(1, version, 2)...)
		requests = append(requests, requestOf(1, version, 3)...)
		answers := append(frame([]byte("\x00\x00\x00\x01 of another kind")), answerTo(version, 2, nil)...)
		answers = append(append(answers, frame(nil)...), answerTo(version, 3, aborted, batches...)...)
		for _, most := range []int{1, 2, 3, 7, 60, 61, 1000, len(answers)} {
			for range 20 {
				w := newWatchedConn(nil)
				pieces(requests, most, w.requests.pass)
				pieces(answers, most, w.answers.pass)
				require.Equal(t, want, w.take(), "version %d, pieces of up to %d", version, most)
				require.Empty(t, w.take())
				require.Empty(t, w.fetches)
			}
		}
	}
}

// pieces passes bytes on in pieces of up to so many.
func pieces(all []byte, most int, pass func([]byte)) {
	for len(all) > 0 {
		n := min(1+rand.IntN(most), len(all))
		pass(all[:n])
		all = all[n:]
	}
}

// What no broker sends is passed over.
func FuzzWatchedConn(f *testing.F) {
	f.Add(answerTo(10, 2, []abortedTransaction{{7, 1}}, batchOf(1, 2, 7, 1<<4, -1, 5), batchOf(3, 1, 7, 3<<4, 0, 0)))
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, answers []byte) {
		whole, split := newWatchedConn(nil), newWatchedConn(nil)
		for _, w := range []*watchedConn{whole, split} {
			w.requests.pass(requestOf(1, 10, 2))
		}
		whole.answers.pass(answers)
		pieces(answers, 5, split.answers.pass)
		require.Equal(t, whole.take(), split.take())
	})
}
