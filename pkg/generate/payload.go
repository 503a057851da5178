package generate

import "strconv"

// text, number and money write one member; every payload begins with a
// member of another kind, so they write the comma before.

func (g *Generator) text(name, value string) {
	g.add(`,"`)
	g.add(name)
	g.add(`":"`)
	g.add(value)
	g.add(`"`)
}

func (g *Generator) number(name string, value int) {
	g.add(`,"`)
	g.add(name)
	g.add(`":`)
	g.int(value)
}

// money writes cents as a decimal number.
func (g *Generator) money(name string, cents int) {
	g.add(`,"`)
	g.add(name)
	g.add(`":`)
	g.int(cents / 100)
	g.add(".")
	g.two(cents % 100)
}

func (g *Generator) identifier(name, prefix string, x uint64, digits int) {
	g.add(`,"`)
	g.add(name)
	g.add(`":"`)
	g.add(prefix)
	g.id(x, digits)
	g.add(`"`)
}

func oneOf[T any](g *Generator, values []T) T { return values[g.random.below(len(values))] }

// latency is log-normal enough: mostly tens of milliseconds, sometimes seconds.
func (g *Generator) latency() int { return 2 + g.random.skewed(4.5) + g.random.skewed(8) }

func (g *Generator) httpRequest(status, latency int) {
	c := &g.chain
	g.add(`"method":"`)
	g.add(oneOf(g, methods[:]))
	g.add(`","path":"`)
	g.add(oneOf(g, paths[:]))
	g.id(c.random>>20, 6)
	g.add(`"`)
	g.number("status", status)
	g.number("latency_ms", latency)
	g.text("region", regions[c.traits>>32%uint64(len(regions))])
}

func (g *Generator) request() {
	g.httpRequest(oneOf(g, []int{200, 200, 200, 200, 201, 202, 204, 304}), g.latency())
	g.number("bytes_out", 300+g.random.skewed(11))
	g.add(`,"cache":{"hit":`)
	g.buf = strconv.AppendBool(g.buf, g.random.chance(3))
	g.identifier("node", "edge-", g.random.next(), 2)
	g.add("}")
}

func (g *Generator) requestError() {
	g.httpRequest(oneOf(g, []int{400, 401, 403, 404, 409, 422, 429, 500, 500, 502, 503, 504}), g.latency()*3)
	g.text("error", oneOf(g, messages[:]))
	g.number("attempt", 1+g.random.below(4))
	g.identifier("trace", "", g.random.next(), 12)
}

func (g *Generator) rateLimit() {
	g.httpRequest(429, 1+g.random.below(4))
	limit := oneOf(g, []int{60, 100, 600, 1000})
	g.number("limit", limit)
	g.number("used", limit+1+g.random.below(40))
	g.number("window_s", 60)
}

func (g *Generator) amount() {
	c := &g.chain
	g.add(`"amount":`)
	g.int(c.amount / 100)
	g.add(".")
	g.two(c.amount % 100)
	g.text("currency", currencies[c.money])
	g.identifier("invoiceId", "inv_", c.random>>8, 9)
	g.identifier("customerId", "cust_", mix(c.traits), 8)
}

func (g *Generator) invoice() {
	g.amount()
	g.money("tax", g.chain.amount*21/100)
	g.add(`,"lines":[`)
	for i := range 1 + g.random.below(3) {
		if i > 0 {
			g.add(",")
		}
		meter := g.random.below(len(meters))
		g.add(`{"meter":"`)
		g.add(meters[meter])
		g.add(`"`)
		g.number("quantity", 1+g.random.skewed(9))
		g.text("unit", units[meter])
		g.add("}")
	}
	g.add(`],"due_days":`)
	g.int(oneOf(g, []int{14, 30, 30, 60}))
}

func (g *Generator) payment() {
	g.amount()
	g.text("method", oneOf(g, cards[:]))
	g.number("last4", 1000+g.random.below(9000))
	g.money("fee", g.chain.amount*29/1000+30)
	g.identifier("gateway_ref", "ch_", g.random.next(), 12)
}

func (g *Generator) paymentFailed() {
	g.amount()
	g.text("method", oneOf(g, cards[:]))
	g.text("decline_code", oneOf(g, []string{"insufficient_funds", "expired_card", "do_not_honor", "processing_error"}))
	g.text("error", oneOf(g, messages[:]))
	g.number("attempt", 1+g.random.below(4))
}

func (g *Generator) subscription() {
	from := g.random.below(len(plans))
	g.add(`"from":"`)
	g.add(plans[from])
	g.add(`"`)
	g.text("to", plans[(from+1+g.random.below(len(plans)-1))%len(plans)])
	g.identifier("subscriptionId", "sub_", g.chain.random>>8, 9)
	g.identifier("customerId", "cust_", mix(g.chain.traits), 8)
	g.number("seats", 1+g.random.skewed(6))
	g.money("mrr", g.chain.amount)
	g.text("currency", currencies[g.chain.money])
}

func (g *Generator) login() {
	g.add(`"idp":"`)
	g.add(providers[g.chain.traits>>40%uint64(len(providers))])
	g.add(`","mfa":`)
	g.buf = strconv.AppendBool(g.buf, !g.random.chance(3))
	g.identifier("sessionId", "sess_", g.chain.random>>8, 9)
	g.number("latency_ms", g.latency())
}

func (g *Generator) loginFailed() {
	g.add(`"reason":"`)
	g.add(oneOf(g, []string{"bad_password", "bad_password", "unknown_user", "mfa_failed", "locked", "expired_token"}))
	g.add(`"`)
	g.text("idp", providers[g.chain.traits>>40%uint64(len(providers))])
	g.number("attempt", 1+g.random.below(9))
	g.text("message", oneOf(g, messages[:]))
}

func (g *Generator) apiKey() {
	g.add(`"name":"`)
	g.add(services[g.chain.random%uint64(len(services))])
	g.add(` production","scopes":["`)
	g.add(oneOf(g, scopes[:]))
	g.add(`"]`)
	g.identifier("prefix", "ak_", g.chain.random, 6)
	g.number("expires_in_days", oneOf(g, []int{30, 90, 365}))
}

func (g *Generator) service() {
	c := &g.chain
	g.add(`"service":"`)
	g.add(services[c.random%uint64(len(services))])
	g.add(`","version":"`)
	g.int(1 + int(c.random>>10&3))
	g.add(".")
	g.int(int(c.random >> 12 & 63))
	g.add(".")
	g.int(int(c.random >> 18 & 15))
	g.add(`"`)
	g.text("region", oneOf(g, regions[:]))
	g.number("replicas", 1+g.random.below(12))
	g.number("duration_ms", 800+g.random.skewed(10))
	g.identifier("commit", "", g.chain.random, 8)
	g.identifier("host", "ip-", g.random.next(), 6)
}

func (g *Generator) healthCheck() {
	g.add(`"service":"`)
	g.add(services[g.chain.random%uint64(len(services))])
	g.add(`"`)
	g.text("region", oneOf(g, regions[:]))
	g.text("check", oneOf(g, []string{"http", "tcp", "disk", "replication_lag", "queue_depth"}))
	g.text("error", oneOf(g, messages[:]))
	g.number("failures", 1+g.random.below(20))
	g.number("latency_ms", g.latency()*10)
}

func (g *Generator) usage() {
	c := &g.chain
	g.add(`"meter":"`)
	g.add(meters[c.meter])
	g.add(`"`)
	g.number("value", 1+g.random.skewed(10))
	g.text("unit", units[c.meter])
	g.identifier("customerId", "cust_", mix(c.traits), 8)
	g.text("region", regions[c.traits>>32%uint64(len(regions))])
	g.identifier("idempotency_key", "", g.random.next(), 12)
}

func (g *Generator) threshold() {
	c := &g.chain
	limit := oneOf(g, []int{100, 1000, 10000, 50000})
	g.add(`"meter":"`)
	g.add(meters[c.meter])
	g.add(`"`)
	g.number("threshold", limit)
	g.number("value", limit+1+g.random.skewed(9))
	g.text("unit", units[c.meter])
	g.identifier("customerId", "cust_", mix(c.traits), 8)
	g.text("message", oneOf(g, messages[:]))
	g.number("score", 50+g.random.below(50))
}

func (g *Generator) ticket() {
	g.add(`"subject":"`)
	g.add(oneOf(g, subjects[:]))
	g.add(`"`)
	g.text("priority", oneOf(g, priorities[:]))
	g.text("channel", oneOf(g, []string{"email", "chat", "phone", "portal"}))
	g.identifier("customerId", "cust_", mix(g.chain.traits), 8)
	g.number("first_reply_min", 1+g.random.skewed(7))
}

func (g *Generator) session() {
	g.add(`"reason":"`)
	g.add(oneOf(g, []string{"signed_out", "signed_out", "expired", "admin_action", "password_changed", "suspicious_activity"}))
	g.add(`"`)
	g.identifier("sessionId", "sess_", g.chain.random>>8, 9)
	g.number("age_min", 1+g.random.skewed(8))
	g.number("sessions", 1+g.random.below(5))
}

func (g *Generator) client() {
	g.add(`"name":"`)
	g.add(services[g.chain.random%uint64(len(services))])
	g.add(`"`)
	g.identifier("clientId", "client_", g.chain.random>>8, 9)
	g.add(`,"redirect_uris":["https://`)
	g.add(g.chain.tenant.domain)
	g.add(`/callback"],"grant_types":["authorization_code","refresh_token"]`)
	g.text("provider", oneOf(g, providers[:]))
}

func (g *Generator) role() {
	g.add(`"role":"`)
	g.add(oneOf(g, roles[:]))
	g.add(`"`)
	g.identifier("userId", "user_", mix(g.chain.random), 8)
	g.text("reason", oneOf(g, subjects[:]))
	g.identifier("approvedBy", "user_", mix(g.chain.traits+1), 8)
}
