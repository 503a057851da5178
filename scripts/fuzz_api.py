"""What fuzz-api.sh adds to Schemathesis: answers are one tenant's, and problems are problems."""

import json
import os

import schemathesis

CANARY = os.environ["FUZZ_CANARY"].encode()

# A live stream as NDJSON has no end, and is no text/event-stream either, whose end Schemathesis does not wait for.
STREAM = "/api/v1/events/stream"


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path == STREAM and "ndjson" in str(case.headers.get("Accept", "")).lower():
        case.headers["Accept"] = "text/event-stream"


@schemathesis.hook
def filter_case(context, case):
    # A parameter that is empty counts as not given, as forms send it, whatever its schema says of texts that are given.
    return not any(value in ("", {}, []) for value in (case.query or {}).values())


@schemathesis.check
def one_tenant(ctx, response, case):
    """The events of another tenant hold a word that no answer may have."""
    assert CANARY not in response.content, "an answer has what belongs to another tenant"


@schemathesis.check
def problem(ctx, response, case):
    """Every error is a problem whose status is that of the answer; an invalid request names a field."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    try:
        told = json.loads(response.content)
    except ValueError as fault:
        raise AssertionError(f"an error that is no problem: {response.content[:200]!r}") from fault
    assert told["status"] == response.status_code, "the problem has another status than the answer"
    assert told["detail"] and told["requestId"], "the problem says too little"
    if response.status_code == 400:
        assert told.get("errors"), "the problem names no field"
        assert all(e["field"] and e["message"] for e in told["errors"]), "the problem names no field"
