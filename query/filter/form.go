package filter

// Form is a way to write a condition in q, and what it finds. The reference of the
// API shows the list; TestRegistry holds it to be whole.
type Form struct{ Write, Finds string }

// Forms are the forms of q, the simplest first.
var Forms = []Form{
	{`declined`, "the text anywhere in the payload, in keys, values and parts of words, in any case"},
	{`"card declined"`, "the same with spaces; inside quotes, `\\\"` is a quote and `\\\\` a backslash"},
	{`card declined`, "both, in any order; `AND` may stand between them"},
	{`card OR cash`, "one of them"},
	{`card -test`, "not the second; `NOT test` is the same"},
	{`(card OR cash) declined`, "a group; it can be excluded as well"},
	{`actorId:jane`, "a field with the value, letter by letter"},
	{`source:"billing api"`, "a value with spaces, or with a `*` that is one; `\"\"` is no value"},
	{`type:(login.* OR logout)`, "one of several values; `*` stands for any text"},
	{`targetId:*`, "a field that has a value"},
	{`actor:@me`, "the caller's own API key, as actor or target"},
	{`severity:WARN+`, "the severity and worse; also `severity:ERROR`, `severity:<ERROR`"},
	{`createdAt:now-1d..now`, "times, both ends included; also `createdAt:>2026-04-17`; `time:` is the same"},
	{`payload.currency:USD`, "a value in the payload, or an element of the array there: a text letter by letter, a number by its value"},
	{`payload.customer.id:cust_*`, "a path of keys; a dot inside a key is `\\.`; `attr.` is the same as `payload.`"},
	{`payload.amount:>100`, "a comparison, of numbers with numbers and of texts with texts; also `>=`, `<`, `<=`"},
	{`payload.amount:100..200`, "a range, both ends included; one may be left out"},
	{`payload.coupon:*`, "a path that leads to a value other than null"},
}

// Parameters are the parameters of a filter beside Fields and attr.PATH. A
// parameter that is in neither is refused.
var Parameters = []string{"q", "severity", "from", "to", "tz", "preset"}
