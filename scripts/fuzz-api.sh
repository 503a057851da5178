#!/usr/bin/env bash
# Fuzzes the API of a whole node by its own description, for as long as the first argument says (10m): requests
# that fit the schemas and requests that don't, over generated events. It fails for any answer of 500 or more, any that is
# not as /openapi.json says, any that shows what belongs to another tenant, and any event that was accepted and can't be
# stored. SEED repeats a course, which the tool prints; EVENTS says over how many events. The last run's logs are in the cache.
set -euo pipefail

name=fuzz-api
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fetch.sh
. "$here/fetch.sh"

skip() {
  echo "SKIP fuzz-api: $*"
  exit 0
}

case ${1:-10m} in
  *[!0-9smh]* | '') fail "DURATION: ${1:-} is not a time like 90s, 10m or 1h" ;;
  *h) seconds=$((${1%h} * 3600)) ;;
  *s) seconds=${1%s} ;;
  *) seconds=${1:-10m} seconds=$((${seconds%m} * 60)) ;;
esac

# Schemathesis in a folder of its own, named for what is pinned.
command -v python3 >/dev/null || skip 'it needs Python 3.11 or newer (Debian: apt-get install python3 python3-venv)'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || skip "it needs Python 3.11 or newer, this is $(python3 --version)"
python3 -c 'import ensurepip' 2>/dev/null || skip 'it needs the module venv of Python (Debian: apt-get install python3-venv)'
folder=$(cache_folder)/$name
tools=$folder/$(cat "$here/fuzz-api.pins" <(python3 --version) | sha256sum | cut -c 1-16)
if [ ! -x "$tools/bin/schemathesis" ]; then
  begin "$folder"
  if [ ! -x "$tools/bin/schemathesis" ]; then # Unless the run that this one has waited for has made it.
    say "installing Schemathesis into $tools"
    rm -rf "$tools"
    { python3 -m venv "$tools" && "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
      -r "$here/fuzz-api.pins"; } || { rm -rf "$tools"; fail 'pip could not install what fuzz-api.pins lists; nothing was installed'; }
  fi
  trap - EXIT INT TERM HUP
  rm -rf "$temp"
  exec 9>&-
fi

# A node with events of its own.
work=$(mktemp -d) node=
stop() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$node" ]; then
    kill "$node" 2>/dev/null || true
    wait "$node" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP
mapfile -t ports < <(python3 -c '
import socket
held = [socket.socket() for _ in range(4)]
for s in held:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])')
export FUZZ_KEY=fuzz-$RANDOM$RANDOM$RANDOM FUZZ_TENANT=tenant_0000 FUZZ_CANARY=canary$RANDOM$RANDOM
export DAYBOOK_HTTP_ADDR=127.0.0.1:${ports[0]} DAYBOOK_ADMIN_ADDR=127.0.0.1:${ports[1]} DAYBOOK_EMBEDDED_DIR=$work/data \
  DAYBOOK_EMBEDDED_KAFKA_ADDR=127.0.0.1:${ports[2]} DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR=127.0.0.1:${ports[3]} \
  DAYBOOK_AUTH_BOOTSTRAP_KEY=$FUZZ_KEY DAYBOOK_KAFKA_PARTITIONS=2 DAYBOOK_LOG_LEVEL=warn
daybook=$here/../bin/daybook
log=$folder/node.log
url=http://$DAYBOOK_HTTP_ADDR
mkdir -p "$folder"
(cd "$work" && exec "$daybook" serve) >"$log" 2>&1 &
node=$!
for ((i = 0; i < 120; i++)); do
  kill -0 "$node" 2>/dev/null || fail "the node has ended; its log is $log"
  if curl -fsS "http://$DAYBOOK_ADMIN_ADDR/readyz" >/dev/null 2>&1; then break; fi
  sleep 0.5
done
ask() { curl -fsS -H "Authorization: Bearer $FUZZ_KEY" -H "X-Tenant-Id: $1" -H 'Content-Type: application/json' "${@:2}"; }
(cd "$work" && "$daybook" generate --events "${EVENTS:-100000}" --days 90 --tenants 5) || fail 'the events could not be generated'
ask "$FUZZ_TENANT" "$url/api/v1/events" -o /dev/null -d '[
  {"eventType": "user_login", "eventId": "fuzz-login", "source": "web", "actorType": "USER", "actorId": "jane", "actorEmail": "jane@example.com", "correlationId": "fuzz", "payload": {"amount": 1.5, "a.b": {"c": [1, "x", null]}}},
  {"eventType": "payment.received", "eventId": "fuzz-payment", "source": "billing", "actorType": "USER", "actorId": "jane", "correlationId": "fuzz", "payload": {"amount": 450, "currency": "USD"}}]'
ask other "$url/api/v1/events" -o /dev/null -d "$(for ((i = 0; i < 50; i++)); do
  echo "{\"eventType\": \"user_login.$FUZZ_CANARY\", \"eventId\": \"$FUZZ_CANARY-$i\", \"actorId\": \"$FUZZ_CANARY\", \"correlationId\": \"fuzz\", \"payload\": {\"amount\": 1, \"word\": \"$FUZZ_CANARY\"}}"
done)"
ask other "$url/api/v1/presets" -o /dev/null -d "{\"name\": \"$FUZZ_CANARY\", \"filter\": {\"q\": \"$FUZZ_CANARY\"}, \"shared\": true}"

status=0
# Away from here: it leaves folders of its own, and looks for its hooks where it runs.
cp "$here/fuzz-api.toml" "$here/fuzz_api.py" "$work"
(cd "$work" && exec "$tools/bin/schemathesis" --config-file fuzz-api.toml run "$url/openapi.json" --max-time "$seconds" --seed "${SEED:-$RANDOM}" --generation-database none \
  --report ndjson --report-ndjson-path "$folder/report.ndjson") || status=$?

# Whatever Schemathesis thinks of them, the node counts its answers; and what was there before is still there.
kill -0 "$node" 2>/dev/null || fail "the node has ended; its log is $log"
metrics=$(curl -fsS "http://$DAYBOOK_ADMIN_ADDR/metrics")
answers=$(sed -n 's/^daybook_http_requests_total{.*status="\([0-9]*\)"} \([0-9.e+]*\)$/\1 \2/p' <<<"$metrics" |
  awk '{ n[$1] += $2 } END { for (s in n) print s, n[s] }' | sort)
echo "answers by status:" $answers
if grep -q '^5' <<<"$answers"; then
  say "the node has answered with 500 or more; its log is $log"
  status=1
fi
if grep -q '^daybook_ingest_dead_letters_total{.*} [1-9]' <<<"$metrics"; then
  say 'events that were accepted became dead letters'
  status=1
fi
ask other "$url/api/v1/events?q=$FUZZ_CANARY&limit=100" | grep -o '"eventId":"[^"]*"' | sort -u | wc -l | grep -qx 50 || fail "another tenant's events have changed"
exit "$status"
