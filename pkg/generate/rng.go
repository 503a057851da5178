package generate

import (
	"math"
	"math/bits"
)

// rng is splitmix64 (Steele, Lea, Flood 2014): small, fast, and the same
// numbers in every release of Go, which is what a seed promises.
type rng struct{ state uint64 }

func (r *rng) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

// mix scrambles x. It is a bijection: different counters give different results.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1.
func (r *rng) below(n int) int { return below(r.next(), n) }

// below maps 64 random bits to a number from 0 to n-1.
func below(random uint64, n int) int {
	high, _ := bits.Mul64(random, uint64(n)) // n is positive.
	return int(high)                         // It is less than n.
}

// float returns a number in [0, 1).
func (r *rng) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// chance is true once in n.
func (r *rng) chance(n int) bool { return r.below(n) == 0 }

// skewed returns a number from 0 to n-1, where logN is ln(n): 0 most often, each
// number about as often as Zipf's law with exponent 1 has it.
func (r *rng) skewed(logN float64) int { return int(math.Exp(r.float()*logN)) - 1 }

// alias draws from fixed weights in constant time (Vose 1991).
type alias struct {
	cut   []uint64 // draw the column itself below this, else other
	other []int32
}

func newAlias(weights []float64) alias {
	n := len(weights)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	a := alias{cut: make([]uint64, n), other: make([]int32, n)}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		if scaled[i] = w / total * float64(n); scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.cut[s], a.other[s] = uint64(scaled[s]*(1<<32)), int32(l) // Columns are far fewer.
		if scaled[l] -= 1 - scaled[s]; scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, rest := range [][]int{small, large} {
		for _, i := range rest {
			a.cut[i], a.other[i] = 1<<32, int32(i)
		}
	}
	return a
}

func (a *alias) draw(r *rng) int {
	random := r.next()
	i := below(random, len(a.cut))
	if random&(1<<32-1) < a.cut[i] {
		return i
	}
	return int(a.other[i])
}
