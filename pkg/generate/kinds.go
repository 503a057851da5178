package generate

// The kinds of event, indexes of kinds.
const (
	requestSuccess = iota
	requestError
	rateLimitHit
	invoiceCreated
	paymentReceived
	paymentFailed
	subscriptionChanged
	loginSuccess
	loginFailed
	apiKeyCreated
	apiKeyRevoked
	serviceStarted
	deployCompleted
	healthCheckFailed
	eventIngested
	thresholdExceeded
	anomalyDetected
	ticketCreated
	ticketEscalated
	ticketResolved
	userLogin
	userLogout
	sessionRevoked
	sessionRevokedAll
	clientCreated
	clientDeleted
	roleAssigned
	roleRemoved
	idpCreated
)

// actorKind is who causes events of a kind.
type actorKind uint8

const (
	byUser actorKind = iota // with name, mail address, IP address and browser
	byKey                   // an API key, with IP address
	bySystem
)

// kind is what events of one type have in common.
type kind struct {
	eventType string
	source    string
	graded    [3]int // per cent of WARN, ERROR and CRITICAL; the rest is INFO
	actor     actorKind
	target    string // targetType
	prefix    string // of targetId; the rest comes from the chain, so that its events share it
	payload   func(g *Generator)
}

var kinds = [...]kind{
	requestSuccess: {"request.success", "api-gateway", [3]int{1, 0, 0}, byKey, "PRODUCT", "prod_", (*Generator).request},
	requestError:   {"request.error", "api-gateway", [3]int{10, 82, 8}, byKey, "PRODUCT", "prod_", (*Generator).requestError},
	rateLimitHit:   {"rate_limit.hit", "api-gateway", [3]int{100, 0, 0}, byKey, "API_KEY", "key_", (*Generator).rateLimit},

	invoiceCreated:      {"invoice.created", "billing", [3]int{0, 0, 0}, bySystem, "INVOICE", "inv_", (*Generator).invoice},
	paymentReceived:     {"payment.received", "billing", [3]int{1, 0, 0}, bySystem, "INVOICE", "inv_", (*Generator).payment},
	paymentFailed:       {"payment.failed", "billing", [3]int{20, 65, 15}, bySystem, "INVOICE", "inv_", (*Generator).paymentFailed},
	subscriptionChanged: {"subscription.changed", "billing", [3]int{4, 0, 0}, byUser, "SUBSCRIPTION", "sub_", (*Generator).subscription},

	loginSuccess:  {"login.success", "auth", [3]int{0, 0, 0}, byUser, "SESSION", "sess_", (*Generator).login},
	loginFailed:   {"login.failed", "auth", [3]int{80, 12, 8}, byUser, "USER", "user_", (*Generator).loginFailed},
	apiKeyCreated: {"api_key.created", "auth", [3]int{0, 0, 0}, byUser, "API_KEY", "key_", (*Generator).apiKey},
	apiKeyRevoked: {"api_key.revoked", "auth", [3]int{60, 0, 5}, byUser, "API_KEY", "key_", (*Generator).apiKey},

	serviceStarted:    {"service.started", "platform", [3]int{2, 0, 0}, bySystem, "SERVICE", "svc_", (*Generator).service},
	deployCompleted:   {"deploy.completed", "platform", [3]int{3, 1, 0}, bySystem, "SERVICE", "svc_", (*Generator).service},
	healthCheckFailed: {"health_check.failed", "platform", [3]int{10, 60, 30}, bySystem, "SERVICE", "svc_", (*Generator).healthCheck},

	eventIngested:     {"event.ingested", "usage-meter", [3]int{0, 0, 0}, byKey, "METER", "mtr_", (*Generator).usage},
	thresholdExceeded: {"threshold.exceeded", "usage-meter", [3]int{85, 10, 5}, bySystem, "METER", "mtr_", (*Generator).threshold},
	anomalyDetected:   {"anomaly.detected", "usage-meter", [3]int{60, 25, 15}, bySystem, "METER", "mtr_", (*Generator).threshold},

	ticketCreated:   {"ticket.created", "support", [3]int{15, 0, 0}, byUser, "TICKET", "tkt_", (*Generator).ticket},
	ticketEscalated: {"ticket.escalated", "support", [3]int{70, 20, 10}, byUser, "TICKET", "tkt_", (*Generator).ticket},
	ticketResolved:  {"ticket.resolved", "support", [3]int{0, 0, 0}, byUser, "TICKET", "tkt_", (*Generator).ticket},

	userLogin:         {"user_login", "auth", [3]int{0, 0, 0}, byUser, "USER", "user_", (*Generator).login},
	userLogout:        {"user_logout", "auth", [3]int{0, 0, 0}, byUser, "SESSION", "sess_", (*Generator).session},
	sessionRevoked:    {"session_revoked", "auth", [3]int{30, 0, 0}, byUser, "SESSION", "sess_", (*Generator).session},
	sessionRevokedAll: {"session_revoked_all", "auth", [3]int{80, 0, 20}, byUser, "USER", "user_", (*Generator).session},
	clientCreated:     {"client_created", "auth", [3]int{0, 0, 0}, byUser, "CLIENT", "client_", (*Generator).client},
	clientDeleted:     {"client_deleted", "auth", [3]int{100, 0, 0}, byUser, "CLIENT", "client_", (*Generator).client},
	roleAssigned:      {"role_assigned", "auth", [3]int{10, 0, 0}, byUser, "USER", "user_", (*Generator).role},
	roleRemoved:       {"role_removed", "auth", [3]int{20, 0, 0}, byUser, "USER", "user_", (*Generator).role},
	idpCreated:        {"idp_created", "auth", [3]int{40, 0, 0}, byUser, "IDP", "idp_", (*Generator).client},
}
