package generate

import "time"

// chain is a series of events with one cause: a request, a purchase, an
// outage. They share tenant, actor, correlation id and the things they are about.
type chain struct {
	steps  []int // of kinds
	left   int
	pace   int // milliseconds between two events, at most
	at     time.Time
	tenant *tenant
	first  bool   // it is the first tenant's
	actor  int    // within the tenant
	traits uint64 // of the actor: always the same for the same actor
	random uint64 // of the chain: its ids
	amount int    // in cents
	money  int    // of currencies
	meter  int
}

// step is an event of a script: how often it comes (per cent) and how many
// times at most.
type step struct {
	kind    int
	percent int
	repeat  int
}

// script is what can happen in one chain.
type script struct {
	share float64 // of all chains
	pace  int     // milliseconds between two events, at most
	steps []step
}

var scripts = []script{
	{share: 40, pace: 60, steps: []step{{requestSuccess, 100, 1}, {eventIngested, 35, 1}, {rateLimitHit, 2, 1}}},
	{share: 6, pace: 200, steps: []step{{requestError, 100, 2}, {anomalyDetected, 15, 1}, {ticketCreated, 4, 1}}},
	{share: 12, pace: 900, steps: []step{{loginSuccess, 100, 1}, {userLogin, 60, 1}, {requestSuccess, 90, 3}, {userLogout, 25, 1}}},
	{share: 3, pace: 4000, steps: []step{{loginFailed, 100, 6}, {thresholdExceeded, 12, 1}, {loginSuccess, 45, 1}}},
	{share: 8, pace: 500, steps: []step{{requestSuccess, 100, 1}, {loginSuccess, 50, 1}, {invoiceCreated, 100, 1}, {paymentReceived, 100, 1}, {subscriptionChanged, 30, 1}, {eventIngested, 100, 1}}},
	{share: 1.5, pace: 900, steps: []step{{requestSuccess, 100, 1}, {invoiceCreated, 100, 1}, {paymentFailed, 100, 3}, {ticketCreated, 20, 1}}},
	{share: 1.5, pace: 3000, steps: []step{{userLogin, 100, 1}, {apiKeyCreated, 60, 1}, {apiKeyRevoked, 50, 1}}},
	{share: 2, pace: 6000, steps: []step{{userLogin, 100, 1}, {roleAssigned, 40, 2}, {roleRemoved, 20, 1}, {clientCreated, 20, 1}, {clientDeleted, 10, 1}, {idpCreated, 6, 1}, {sessionRevoked, 25, 1}, {sessionRevokedAll, 8, 1}, {userLogout, 70, 1}}},
	{share: 1.5, pace: 9000, steps: []step{{deployCompleted, 100, 1}, {serviceStarted, 100, 3}, {healthCheckFailed, 10, 1}}},
	{share: 0.3, pace: 9000, steps: []step{{healthCheckFailed, 100, 3}, {requestError, 100, 5}, {ticketCreated, 80, 1}, {ticketEscalated, 60, 1}, {serviceStarted, 100, 2}, {ticketResolved, 80, 1}}},
	{share: 9, pace: 300, steps: []step{{eventIngested, 100, 4}, {thresholdExceeded, 8, 1}}},
	{share: 1.5, pace: 9000, steps: []step{{ticketCreated, 100, 1}, {ticketEscalated, 30, 1}, {ticketResolved, 60, 1}}},
}

// startChain draws what happens next.
func (g *Generator) startChain() {
	c := &g.chain
	s := &scripts[g.scripts.draw(&g.random)]
	c.steps = c.steps[:0]
	for _, step := range s.steps {
		if step.percent < 100 && g.random.below(100) >= step.percent {
			continue
		}
		for range 1 + g.random.below(step.repeat) {
			c.steps = append(c.steps, step.kind)
		}
	}
	index := g.pick.draw(&g.random)
	c.left, c.pace = len(c.steps), s.pace
	c.tenant, c.first = &g.tenants[index], index == 0
	c.actor = g.random.skewed(c.tenant.logN)
	c.traits = mix(uint64(index)<<32 | uint64(c.actor)) // Both are small and not negative.
	c.random = g.random.next()
	c.money = g.random.below(len(currencies))
	c.meter = g.random.below(len(meters))
	c.amount = 100 + g.random.skewed(13) // Up to about 4,400.00.
}
