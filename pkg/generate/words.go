package generate

var firstNames = [...]string{
	"Jane", "Tomáš", "Aiko", "Lena", "Mateo", "Zoë", "Omar", "Priya", "Søren", "Chloé", "Ivan", "Mei", "Noah", "Fatima",
	"Lukas", "Ana", "Kofi", "Ingrid", "Raj", "Elif", "Pavel", "Grace", "Hugo", "Yuki", "Nadia", "Ole", "Carmen", "Jakub",
	"Amara", "Felix", "Ayşe", "Björn",
}

var lastNames = [...]string{
	"Doe", "Novák", "Tanaka", "Müller", "García", "Janssen", "Haddad", "Sharma", "Kierkegaard", "Dubois", "Petrov", "Chen",
	"Smith", "Rahman", "Weber", "Silva", "Mensah", "Larsen", "Patel", "Yılmaz", "Dvořák", "Okafor", "Moreau", "Sato",
	"Kovač", "Nilsen", "Ruiz", "Kowalski", "Diallo", "Brandt", "Öztürk", "Þórsson",
}

// The same names as mailboxes spell them.
var firstMail = [...]string{
	"jane", "tomas", "aiko", "lena", "mateo", "zoe", "omar", "priya", "soren", "chloe", "ivan", "mei", "noah", "fatima",
	"lukas", "ana", "kofi", "ingrid", "raj", "elif", "pavel", "grace", "hugo", "yuki", "nadia", "ole", "carmen", "jakub",
	"amara", "felix", "ayse", "bjorn",
}

var lastMail = [...]string{
	"doe", "novak", "tanaka", "mueller", "garcia", "janssen", "haddad", "sharma", "kierkegaard", "dubois", "petrov", "chen",
	"smith", "rahman", "weber", "silva", "mensah", "larsen", "patel", "yilmaz", "dvorak", "okafor", "moreau", "sato",
	"kovac", "nilsen", "ruiz", "kowalski", "diallo", "brandt", "ozturk", "thorsson",
}

var browsers = [...]string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
}

var programs = [...]string{
	"aforo-sdk-go/2.14.0 (linux; amd64)",
	"aforo-sdk-python/1.31.2 CPython/3.13",
	"curl/8.14.1",
	"okhttp/5.1.0",
}

var (
	methods    = [...]string{"GET", "GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE"}
	paths      = [...]string{"/v1/orders/", "/v1/invoices/", "/v1/customers/", "/v1/meters/", "/v2/usage/", "/v1/products/", "/v1/subscriptions/", "/v2/entitlements/", "/v1/webhooks/", "/v1/reports/"}
	regions    = [...]string{"eu-central-1", "us-east-1", "ap-south-1", "us-west-2", "eu-west-3"}
	currencies = [...]string{"USD", "USD", "USD", "EUR", "EUR", "GBP", "CZK", "JPY", "INR", "BRL"}
	cards      = [...]string{"visa", "mastercard", "amex", "sepa_debit", "bank_transfer"}
	plans      = [...]string{"free", "starter", "growth", "scale", "enterprise"}
	providers  = [...]string{"github", "google", "okta", "azure-ad", "password"}
	roles      = [...]string{"admin", "editor", "viewer", "billing-manager", "auditor"}
	scopes     = [...]string{"events:read", "events:write", "billing:read", "usage:write", "admin"}
	services   = [...]string{"api-gateway", "auth", "billing-pipeline", "usage-meter", "notifier", "report-builder", "webhook-relay"}
	meters     = [...]string{"api_calls", "storage_gb", "compute_seconds", "tokens_in", "tokens_out", "seats"}
	units      = [...]string{"calls", "GB", "s", "tokens", "tokens", "seats"}
	priorities = [...]string{"low", "normal", "high", "urgent"}
)

// Faults as services write them: in many languages, some with their letters
// escaped as \u sequences. They are JSON string contents already.
var messages = [...]string{
	"upstream request timed out after 30000 ms", "connection reset by peer while reading response headers",
	"too many connections for role \\\"billing\\\"", "deadlock detected, transaction was rolled back",
	"TLS handshake failed: certificate has expired", "quota exceeded for project, retry after 60 s",
	"invalid signature for webhook delivery", "duplicate key value violates unique constraint \\\"invoices_pkey\\\"",
	"Zeitüberschreitung bei der Anfrage an den Zahlungsdienst", "Ungültige Anmeldedaten für Benutzerkonto",
	"D\\u00e9lai d\\u2019attente d\\u00e9pass\\u00e9 lors de la connexion \\u00e0 la base", "Le paiement a été refusé par la banque émettrice",
	"Požadavek vypršel při čekání na zámek řádku", "Neplatný podpis požadavku, zkontrolujte hodiny serveru",
	"La conexión con el servidor se cerró inesperadamente", "Límite de peticiones superado para esta clave",
	"接続がタイムアウトしました", "支付网关返回了错误响应", "\\u30c7\\u30fc\\u30bf\\u30d9\\u30fc\\u30b9\\u306b\\u63a5\\u7d9a\\u3067\\u304d\\u307e\\u305b\\u3093",
	"Превышено время ожидания ответа от сервиса", "Ödeme işlemi banka tarafından reddedildi", "انتهت مهلة الاتصال بالخادم",
	"\\ud83d\\udd25 disk almost full on volume /var/lib/data", "panic: runtime error: index out of range [5] with length 3\\ngoroutine 41 [running]:",
}

var subjects = [...]string{
	"Invoice shows the wrong VAT number", "Webhook deliveries arrive twice", "Cannot sign in with Okta since this morning",
	"Rechnung enthält falsche Positionen", "Dashboard lent depuis la mise à jour", "Export stops at 10,000 rows",
	"API key does not work in the sandbox", "Potřebujeme zvýšit limit požadavků", "请求恢复已删除的项目", "Usage graph differs from the bill",
}
