package filter

// indexes is a set of the skip indexes of the table events: those that let
// ClickHouse leave out granules in which no event satisfies a condition.
type indexes uint8

const (
	onEventID indexes = 1 << iota
	onCorrelationID
	onActorID
	onTargetID
	onText
)

// indexNames are in the order of the bits. An index on ids is named like its field.
var indexNames = [...]string{"eventId", "correlationId", "actorId", "targetId", "text"}

// textIndexRunes is how many characters a text must have for the index of
// 4-grams to know of it.
const textIndexRunes = 4

// Indexes names the skip indexes that narrow what a read of the filter looks
// at, beside the key, which always does: ids by their field, and "text". It follows
// from the filter alone; that ClickHouse does the same is tested against its EXPLAIN.
func (f *Filter) Indexes() []string {
	if f.Root == nil {
		return nil
	}
	set := f.Root.narrowedBy(true)
	var names []string
	for i, name := range indexNames {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// narrowedByAny returns the indexes of conditions of which one is enough. Each
// must have one: a granule can be left out only if all agree.
func narrowedByAny(nodes []Node, holds bool) (set indexes) {
	for _, n := range nodes {
		one := n.narrowedBy(holds)
		if one == 0 {
			return 0
		}
		set |= one
	}
	return set
}

// narrowedByAll returns the indexes of conditions that are all required.
func narrowedByAll(nodes []Node, holds bool) (set indexes) {
	for _, n := range nodes {
		set |= n.narrowedBy(holds)
	}
	return set
}
