package generate

import (
	"strconv"
	"time"
)

// write writes one event and returns where its correlation id stands.
func (g *Generator) write(k *kind, at time.Time) (keyFrom, keyTo int) {
	c := &g.chain
	g.add(`{"eventId":"evt_`)
	// mix is a bijection, so no two events of a run share an id.
	g.id(mix(uint64(g.made)^g.idKey), 13)
	g.add(`","tenantId":"`)
	g.add(c.tenant.name)
	g.add(`","eventType":"`)
	g.add(k.eventType)
	g.add(`","source":"`)
	g.add(k.source)
	g.add(`","severity":"`)
	g.add(g.severity(k))
	g.writeActor(k)
	g.add(`,"targetType":"`)
	g.add(k.target)
	g.add(`","targetId":"`)
	g.add(k.prefix)
	g.targetID(k)
	g.add(`","payload":{`)
	k.payload(g)
	g.plant()
	g.add(`},"correlationId":"`)
	keyFrom = len(g.buf)
	g.add("req_")
	g.id(c.random, 12)
	keyTo = len(g.buf)
	g.add(`","createdAt":"`)
	g.time(at)
	g.add(`"`)
	g.writePerson(k)
	g.add("}")
	return keyFrom, keyTo
}

func (g *Generator) severity(k *kind) string {
	if k.graded == [3]int{} {
		return "INFO"
	}
	roll := g.random.below(100)
	for i, name := range [...]string{"WARN", "ERROR", "CRITICAL"} {
		if roll -= k.graded[i]; roll < 0 {
			return name
		}
	}
	return "INFO"
}

func (g *Generator) writeActor(k *kind) {
	switch k.actor {
	case bySystem:
		g.add(`","actorType":"SYSTEM","actorId":"`)
		g.add(k.source)
		g.add(`-pipeline"`)
		return
	case byKey:
		g.add(`","actorType":"API_KEY","actorId":"key_`)
	case byUser:
		g.add(`","actorType":"USER","actorId":"user_`)
	}
	g.id(g.chain.traits, 8)
	g.add(`"`)
}

// targetID writes what follows the prefix: users and keys are the actor's
// own, services and meters are few, all else belongs to the chain.
func (g *Generator) targetID(k *kind) {
	c := &g.chain
	switch k.target {
	case "USER", "API_KEY":
		g.id(c.traits, 8)
	case "SERVICE":
		g.add(services[c.random%uint64(len(services))])
	case "METER":
		g.add(meters[c.meter])
	case "PRODUCT":
		g.id(c.random>>40&1023, 4)
	default:
		g.id(c.random>>8, 9)
	}
}

// writePerson writes the members that only people, or the browsers and
// programs of people, bring along.
func (g *Generator) writePerson(k *kind) {
	if k.actor == bySystem {
		return
	}
	traits := g.chain.traits
	if k.actor == byUser {
		first, last := traits>>8%uint64(len(firstNames)), traits>>16%uint64(len(lastNames))
		g.add(`,"actorName":"`)
		g.add(firstNames[first])
		g.add(" ")
		g.add(lastNames[last])
		g.add(`","actorEmail":"`)
		g.add(firstMail[first])
		g.add(".")
		g.add(lastMail[last])
		g.add("@")
		g.add(g.chain.tenant.domain)
		g.add(`"`)
	}
	g.add(`,"ipAddress":"`)
	g.ip(traits)
	g.add(`","userAgent":"`)
	agents := browsers[:]
	if k.actor == byKey {
		agents = programs[:]
	}
	g.add(agents[traits>>24%uint64(len(agents))])
	g.add(`"`)
}

// ip writes an address of the ranges for documentation and benchmarks, so that
// it is nobody's.
func (g *Generator) ip(x uint64) {
	if x&7 == 0 {
		g.add("2001:db8:")
		for shift := 8; shift <= 40; shift += 16 {
			g.buf = strconv.AppendUint(g.buf, x>>shift&0xffff, 16)
			g.add(":")
		}
		g.add(":1")
		return
	}
	g.add("198.1")
	g.int(8 + int(x>>8&1))
	for shift := 16; shift <= 24; shift += 8 {
		g.add(".")
		g.int(int(x >> shift & 0xff))
	}
}

// time writes RFC 3339 in UTC with milliseconds.
func (g *Generator) time(t time.Time) {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	g.two(year / 100)
	g.two(year % 100)
	g.add("-")
	g.two(int(month))
	g.add("-")
	g.two(day)
	g.add("T")
	g.two(hour)
	g.add(":")
	g.two(minute)
	g.add(":")
	g.two(second)
	millis := t.Nanosecond() / 1_000_000
	g.add(".")
	g.buf = append(g.buf, byte('0'+millis/100))
	g.two(millis % 100)
	g.add("Z")
}

func (g *Generator) two(n int) { g.buf = append(g.buf, byte('0'+n/10), byte('0'+n%10)) }

// plant adds the needles that are due to the payload being written.
func (g *Generator) plant() {
	n := g.made
	if n%Rare.Every == Rare.Every/2 {
		g.pending[0]++
	}
	if n%Inside.Every == Inside.Every/4 {
		g.pending[1]++
	}
	if g.chain.first && g.pending[0] > 0 {
		g.pending[0]--
		g.add(`,"note":"a `)
		g.add(Rare.Text)
		g.add(` in the attic"`)
	}
	if g.chain.first && g.pending[1] > 0 {
		g.pending[1]--
		g.add(`,"ref":"om`)
		g.add(Inside.Text)
		g.add(`ar/4521"`)
	}
	if n%Uncommon.Every == Uncommon.Every/2 {
		g.add(`,"mood":"`)
		g.add(Uncommon.Text)
		g.add(`"`)
	}
	if n%Common.Every == Common.Every/2 {
		g.add(`,"batch":"`)
		g.add(Common.Text)
		g.add(`"`)
	}
}
