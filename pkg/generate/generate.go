// Package generate makes believable events for demonstrations, tests and
// benchmarks: tenants and actors by Zipf's law, the event types of both specs
// with payloads that suit them, load by hour and weekday, and chains of
// events over several services that share a correlation id.
//
// The same configuration gives the same bytes, in any release. Event ids are
// unique within a run. Every event is one that package event accepts.
package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Needle is a text planted in payloads so that searches have something to find.
type Needle struct {
	Text   string
	Every  int  // one event in so many has it
	Inside bool // it stands inside a longer word: only a search for any string finds it
}

// The needles. Rare and Inside are planted in events of the first tenant, the
// one with most events; the others anywhere. No other event has their texts.
var (
	Rare     = Needle{Text: "xylograph", Every: 1_000_000}
	Inside   = Needle{Text: "kvarnsten", Every: 1_000_000, Inside: true}
	Uncommon = Needle{Text: "quixotry", Every: 10_000}
	Common   = Needle{Text: "zephyrine", Every: 100}
)

// Needles lists every needle.
var Needles = [...]Needle{Rare, Inside, Uncommon, Common}

// Config says what to generate.
type Config struct {
	Seed        uint64
	Tenants     int      // how many; 0: 100. They are called tenant_0000, tenant_0001 and so on
	TenantNames []string // instead of Tenants: their names, the largest first
	Events      int      // how many; 0: without end, which needs Days to be 0
	Days        int      // over how many days up to End; 0: every event happens when it is made
	// End is the last instant. It is needed where Days is given: nothing here
	// reads a clock of its own unless Days is 0.
	End time.Time
	Now func() time.Time // the clock where Days is 0; nil: time.Now
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Tenants < 0 || c.Tenants > maxTenants {
		errs = append(errs, fmt.Errorf("tenants: %d is not between 0 and %d", c.Tenants, maxTenants))
	}
	if c.Events < 0 {
		errs = append(errs, fmt.Errorf("events: %d is negative", c.Events))
	}
	if c.Days < 0 || c.Days > 36_500 {
		errs = append(errs, fmt.Errorf("days: %d is not between 0 and 36500", c.Days))
	}
	if c.Days > 0 && c.Events == 0 {
		errs = append(errs, errors.New("events: needed where days are given"))
	}
	if c.Days > 0 && c.End.IsZero() {
		errs = append(errs, errors.New("end: needed where days are given"))
	}
	for i, name := range c.TenantNames {
		if name == "" {
			errs = append(errs, fmt.Errorf("tenant names: the one at %d is empty", i))
		}
	}
	return errors.Join(errs...)
}

const (
	maxTenants     = 1_000_000
	defaultTenants = 100
	tenantSkew     = 1.05 // Zipf's exponent
)

// Generator makes events one after another. It is not safe for several
// goroutines.
type Generator struct {
	config   Config
	random   rng
	schedule schedule
	tenants  []tenant
	pick     alias
	made     int
	idKey    uint64
	pending  [2]int // rare needles waiting for an event of the first tenant
	chain    chain
	scripts  alias
	buf      []byte
}

type tenant struct {
	name   string
	logN   float64 // ln of how many actors it has
	domain string
}

// New returns a generator. It panics where Validate finds a fault.
func New(c Config) *Generator {
	if err := c.Validate(); err != nil {
		panic("generate: " + err.Error())
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	g := &Generator{config: c, random: rng{state: mix(c.Seed + 1)}}
	g.idKey = g.random.next()
	names := c.TenantNames
	if len(names) == 0 {
		count := c.Tenants
		if count == 0 {
			count = defaultTenants
		}
		for i := range count {
			names = append(names, fmt.Sprintf("tenant_%04d", i))
		}
	}
	weights := make([]float64, len(names))
	for i, name := range names {
		weights[i] = math.Pow(float64(i+1), -tenantSkew)
		actors := max(25, 20_000/(i+1))
		g.tenants = append(g.tenants, tenant{name: quoted(name), logN: math.Log(float64(actors + 1)), domain: domainOf(name)})
	}
	g.pick = newAlias(weights)
	shares := make([]float64, len(scripts))
	for i, s := range scripts {
		shares[i] = s.share
	}
	g.scripts = newAlias(shares)
	if c.Days > 0 {
		g.schedule = newSchedule(rng{state: g.random.next()}, c.End.Truncate(time.Millisecond), c.Days, c.Events)
	}
	return g
}

// quoted returns s as it stands between the quotes of a JSON string.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("generate: " + err.Error()) // Strings can always be encoded.
	}
	return string(text[1 : len(text)-1])
}

// domainOf makes a mail domain of a tenant's name.
func domainOf(name string) string {
	domain := make([]byte, 0, len(name))
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			domain = append(domain, c)
		case 'A' <= c && c <= 'Z':
			domain = append(domain, c|0x20)
		}
	}
	return string(domain) + ".example"
}

// Next writes the next event into buf, from its start and growing it as
// needed, and returns it with its key for Kafka and when it happened. The key
// (the correlation id, so that a chain keeps its order and load spreads over
// partitions) points into value. ok is false after Config.Events events.
func (g *Generator) Next(buf []byte) (value, key []byte, createdAt time.Time, ok bool) {
	if g.config.Events > 0 && g.made >= g.config.Events {
		return buf[:0], nil, time.Time{}, false
	}
	if g.chain.left == 0 {
		g.startChain()
	}
	createdAt = g.when()
	g.buf = buf[:0]
	k := &kinds[g.chain.steps[len(g.chain.steps)-g.chain.left]]
	g.chain.left--
	from, to := g.write(k, createdAt)
	g.made++
	value, g.buf = g.buf, nil
	return value, value[from:to], createdAt, true
}

// when returns the time of the next event: the schedule's at the beginning of
// a chain, then a little later with each step.
func (g *Generator) when() time.Time {
	if g.config.Days == 0 {
		return g.config.Now().UTC().Truncate(time.Millisecond)
	}
	c := &g.chain
	planned := g.schedule.at(g.made, g.random.float())
	if c.left == len(c.steps) {
		c.at = planned
	} else {
		c.at = c.at.Add(time.Duration(2+g.random.below(c.pace)) * time.Millisecond)
	}
	if c.at.After(g.config.End) {
		c.at = g.config.End.Truncate(time.Millisecond)
	}
	return c.at
}

const digits = "0123456789abcdefghjkmnpqrstvwxyz"

// id appends n digits of 5 bits each, the lowest last.
func (g *Generator) id(x uint64, n int) {
	for n--; n >= 0; n-- {
		g.buf = append(g.buf, digits[x>>(5*n)&31])
	}
}

func (g *Generator) int(n int) { g.buf = strconv.AppendInt(g.buf, int64(n), 10) }

func (g *Generator) add(s string) { g.buf = append(g.buf, s...) }
