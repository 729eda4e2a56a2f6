"""Traces: spans by OTLP, MLflow 3's REST calls and the older ones, filters, orders and wrong requests."""

import asyncio
import json

import compare
from compare import JSON, check, get, post, sides
from mlflow.server import app
from mlflow.server.fastapi_app import create_fastapi_app

V3 = "/api/3.0/mlflow/traces"
compare.UNORDERED.add("assessments")
fastapi = create_fastapi_app(app)


async def asked(path, headers, body):
    """The answer of MLflow's FastAPI app, which serves OTLP beside the Flask app."""
    parts = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        parts.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "server": ("localhost", 80),
        "client": ("localhost", 1), "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
    }
    await fastapi(scope, receive, send)
    text = b"".join(part.get("body", b"") for part in parts).decode()
    return parts[0]["status"], text


mlflow = sides[1].server
flask = mlflow.send


def send(method, path, params=None, headers=None, **kwargs):
    if path != "/v1/traces":
        return flask(method, path, params=params, headers=headers, **kwargs)
    mlflow.half_read = False
    body = kwargs["data"] if "data" in kwargs else json.dumps(kwargs["json"]).encode()
    return asyncio.run(asked(path, headers, body))


mlflow.send = send

post("experiments/create", {"name": "traces"}, keep={"texp": ("experiment_id",)})
post("experiments/create", {"name": "more traces"}, keep={"texp2": ("experiment_id",)})
ids = {side: side.ids["texp"] for side in sides}
assert len(set(ids.values())) == 1, "both servers have to give the same ids"
EXP = ids[sides[0]]
EXP2 = sides[0].ids["texp2"]
post("runs/create", {"experiment_id": EXP, "start_time": 1, "run_name": "traced"}, keep={"trun": ("run", "info", "run_id")})


def location(experiment):
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}


def info(trace_id, experiment=EXP, **changes):
    return {
        "trace": {
            "trace_info": {
                "trace_id": trace_id,
                "trace_location": location(experiment),
                "request_time": "2026-01-02T03:04:05.678Z",
                "execution_duration": "1.250s",
                "state": "OK",
                "trace_metadata": {"mlflow.trace.user": "ada", "mlflow.trace.session": "s1"},
                "tags": {"mlflow.traceName": "predict"},
                "request_preview": "in",
                "response_preview": "out",
                **changes,
            }
        }
    }


def span(trace, span_id, name, parent=None, start=1_700_000_000_000_000_001, attributes=(), **changes):
    return {
        "traceId": trace,
        "spanId": span_id,
        **({"parentSpanId": parent} if parent else {}),
        "name": name,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5_000_000),
        "attributes": [{"key": k, "value": v} for k, v in attributes],
        **changes,
    }


def otlp(spans, experiment=EXP, resource=(), headers=None, **kwargs):
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in resource]},
                "scopeSpans": [{"spans": spans}],
            }
        ]
    }
    check("POST", "/v1/traces", body, headers={**JSON, "x-mlflow-experiment-id": experiment, **(headers or {})}, **kwargs)


A, B, C, D = ("a" * 31 + d for d in "1234")
TEXT = {"stringValue": "x"}
rich = [
    ("text", {"stringValue": "hé \"quoted\"\n"}),
    ("int", {"intValue": "9007199254740993"}),
    ("double", {"doubleValue": 2}),
    ("half", {"doubleValue": 0.5}),
    ("bool", {"boolValue": True}),
    ("list", {"arrayValue": {"values": [{"intValue": "1"}, {"doubleValue": 1.5}, TEXT]}}),
    ("map", {"kvlistValue": {"values": [{"key": "k", "value": TEXT}]}}),
    ("empty", {"arrayValue": {}}),
    ("mlflow.spanInputs", {"kvlistValue": {"values": [{"key": "q", "value": TEXT}]}}),
    ("mlflow.spanOutputs", {"stringValue": "o" * 1200}),
    ("mlflow.spanType", {"stringValue": "TOOL"}),
    ("session.id", {"stringValue": "S1"}),
    ("user.id", {"stringValue": "U1"}),
    ("mlflow.traceTag.team", {"stringValue": "ops"}),
]
event = {"timeUnixNano": "1700000000000000123", "name": "e", "attributes": [{"key": "n", "value": {"intValue": "7"}}]}
error = {"code": 2, "message": "boom"}
# The child first: the trace goes on until its root comes.
otlp([span(A, "b" * 16, "child", parent="a" * 16, start=1_700_000_000_001_000_000, attributes=[("a", TEXT)])])
get("traces/tr-" + A + "/info")
check("GET", f"{V3}/tr-{A}")
otlp([span(A, "a" * 16, "root", attributes=rich, events=[event], status={"code": 1})], resource=[("service.name", "svc"), ("telemetry.sdk.name", "x")])
check("GET", f"{V3}/tr-{A}")
check("GET", f"{V3}/get", params={"trace_id": f"tr-{A}"})
otlp([span(B, "c" * 16, "failing", status=error, start=1_700_000_100_000_000_000)], headers={"x-mlflow-run-id": "$trun"})
otlp([span(C, "d" * 16, "other", start=1_700_000_200_000_000_000)], experiment=EXP2)
otlp([], headers={})
otlp([span("", "d" * 16, "no trace")])
otlp([span("zz", "d" * 16, "bad id")])
otlp([span(D, "d" * 16, "x")], experiment="987654")
check("POST", "/v1/traces", {}, headers={**JSON, "x-mlflow-experiment-id": EXP})
check("POST", "/v1/traces", {}, headers=JSON)
check("POST", "/v1/traces", data=b"zzz", headers={"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": EXP})
check("POST", "/v1/traces", data=b"{", headers={**JSON, "x-mlflow-experiment-id": EXP})
check("POST", "/v1/traces", data=b"x", headers={"Content-Type": "text/plain", "x-mlflow-experiment-id": EXP})
check("POST", "/v1/traces", data=b"x", headers={**JSON, "Content-Encoding": "gzip", "x-mlflow-experiment-id": EXP})
check("POST", "/v1/traces", data=b"x", headers={**JSON, "Content-Encoding": "br", "x-mlflow-experiment-id": EXP})

# MLflow 3's calls
check("POST", V3, info("tr-1"))
check("POST", V3, info("tr-2", state="ERROR", request_time="2026-01-02T03:04:06Z", execution_duration="0s", tags={"a": "b", "n": "5"}, trace_metadata={"mlflow.sourceRun": "$trun", "long": "m" * 300}))
check("POST", V3, info("tr-3", state="IN_PROGRESS", client_request_id="c3", request_time="2026-01-02T03:04:07.001Z"))
check("POST", V3, info("tr-4", experiment=EXP2, tags={"long": "t" * 5000}))
# MLflow answers with the tags of before; the next reading has them.
check("POST", V3, info("tr-1", state="ERROR", tags={"more": "1"}), ignore=("trace",))
check("POST", V3, info("tr-" + A, tags={"mlflow.traceName": "named later"}))
check("POST", V3, info("tr-5", experiment="987654"))
check("POST", V3, info("tr-5", tags={"mlflow.traceName": "n" * 5000}))
check("POST", V3, {})
check("GET", f"{V3}/tr-1")
check("GET", f"{V3}/nope")
check("GET", f"{V3}/get", params={"trace_id": "nope"})
check("GET", f"{V3}/get", params={"trace_id": f"tr-{A}", "allow_partial": "true"})
check("GET", f"{V3}/get")
check("GET", f"{V3}/batchGet", params={"trace_ids": [f"tr-{A}", f"tr-{B}", "nope"]})
check("GET", f"{V3}/batchGet")
check("POST", f"{V3}/batchGetInfos", {"trace_ids": ["tr-2", "tr-1", "nope", "tr-2"]})
check("POST", f"{V3}/batchGetInfos", {"trace_ids": ["tr-2", "tr-4"], "experiment_ids": [EXP2]})
check("POST", f"{V3}/batchGetInfos", {})

# Tags
for version in ("2.0", "3.0"):
    tags = f"/api/{version}/mlflow/traces/tr-1/tags"
    check("PATCH", tags, {"key": "k" + version, "value": "v"})
    check("PATCH", tags, {"key": "empty"})
    check("PATCH", tags, {"key": "long", "value": "v" * 9000})
    check("PATCH", tags, {"key": "a/../b", "value": "v"})
    check("PATCH", tags, {"key": "k" * 251, "value": "v"})
    check("PATCH", tags, {"key": "mlflow.trace.spansLocation", "value": "v"})
    check("PATCH", tags, {"key": "mlflow.traceName", "value": "renamed"})
    check("PATCH", tags, {"value": "v"})
    check("DELETE", tags, {"key": "none"})
    check("DELETE", tags, {"key": "empty"})
    check("DELETE", tags, {})
    check("GET", f"{V3}/tr-1")
post("traces/link-to-run", {"trace_ids": ["tr-1", "nope"], "run_id": "$trun"})
post("traces/link-to-run", {"trace_ids": [str(i) for i in range(101)], "run_id": "$trun"})
post("traces/link-to-run", {"trace_ids": ["tr-1"]})
post("traces/link-to-run", {"trace_ids": ["tr-later"], "run_id": "unknown"})
check("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": "nope"})
check("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": "tr-" + A})
post("traces/link-prompts", {"trace_id": "tr-1", "prompt_versions": [{"name": "p", "version": "2"}]})
post("traces/link-prompts", {"trace_id": "nope", "prompt_versions": [{"name": "p", "version": "2"}]})
post("traces/link-prompts", {"trace_id": "tr-1"})

# Assessments
assessments = f"{V3}/tr-1/assessments"
human = {"source_type": "HUMAN", "source_id": "ada"}
ID = ("assessment", "assessment_id")
when = {"create_time": "2026-01-02T03:04:05Z", "last_update_time": "2026-01-02T03:04:05.5Z"}
feedback = {"assessment_name": "quality", "source": human, "feedback": {"value": 0.5}, **when}
check("POST", assessments, {"assessment": {**feedback, "rationale": "r", "metadata": {"a": "b"}, "span_id": "s"}}, keep={"as1": ID})
check("POST", assessments, {"assessment": {**feedback, "feedback": {"value": "good"}}}, keep={"as2": ID})
check("POST", assessments, {"assessment": {**feedback, "feedback": {"value": True, "error": {"error_code": "E", "error_message": "m"}}}}, keep={"as3": ID})
check("POST", assessments, {"assessment": {**feedback, "assessment_name": "truth", "feedback": None, "expectation": {"value": "yes"}}}, keep={"as4": ID})
check("POST", assessments, {"assessment": {**feedback, "overrides": "$as1"}}, keep={"as5": ID})
check("GET", f"{assessments}/$as1")
check("POST", assessments, {"assessment": {**feedback, "overrides": "none"}})
check("POST", assessments, {"assessment": {"assessment_name": "q", "source": human}})
check("POST", assessments, {})
check("POST", f"{V3}/nope/assessments", {"assessment": feedback})
update = {"assessment_id": "$as2", "trace_id": "tr-1", "feedback": {"value": "bad"}, "rationale": "why", "metadata": {"c": "d"}}
check("PATCH", f"{assessments}/$as2", {"assessment": update, "update_mask": "feedback,rationale,metadata"}, ignore=("assessment",))
check("DELETE", f"{assessments}/$as2")
check("POST", assessments, {"assessment": {**feedback, "feedback": {"value": "bad"}}}, keep={"as6": ID})
check("PATCH", f"{assessments}/$as4", {"assessment": update, "update_mask": "feedback"})
check("PATCH", f"{assessments}/none", {"assessment": update, "update_mask": "rationale"})
check("PATCH", f"{assessments}/$as6", {"assessment": update})
check("GET", f"{assessments}/none")
check("GET", f"{V3}/nope/assessments/none")
check("DELETE", f"{assessments}/$as5")
check("GET", f"{assessments}/$as1")
check("DELETE", f"{assessments}/$as5")

# Search
FILTERS = [
    "status = 'OK'", "status != 'OK'", "trace.status = 'ERROR'", "attributes.status IN ('OK', 'IN_PROGRESS')",
    "status NOT IN ('OK')", "status LIKE 'IN%'", "status ILIKE 'ok'", "status RLIKE '^(OK|ERR)'", "status < 'a'",
    "name = 'predict'", "name LIKE 'pre%'", "name ILIKE 'PRE%'", "name != 'predict'", "name RLIKE 'ed$'", "name > 'a'",
    "timestamp_ms > 1700000000000", "timestamp > 1767323045678", "timestamp = 1767323045678", "timestamp <= 1767323045678",
    "timestamp_ms > 'a'", "timestamp_ms LIKE '1%'", "execution_time_ms >= 1250", "execution_time < 5.5", "end_time > 1767323046000",
    "request_id = 'tr-1'", "request_id IN ('tr-1', 'tr-2')", "request_id LIKE 'tr-a%'", "client_request_id = 'c3'",
    "run_id = '$trun'", "run_id != '$trun'", "metadata.`mlflow.sourceRun` = '$trun'", "request_metadata.`mlflow.trace.user` = 'ada'",
    "metadata.`mlflow.trace.session` = 's1'", "metadata.`mlflow.trace.session` IS NULL", "metadata.long LIKE 'm%'", "metadata.x = 4",
    "tag.a = 'b'", "tags.n = '5'", "tags.`a` != 'b'", "tag.a IS NULL", "tags.a IS NOT NULL", "tag.a IN ('b')", "tag.a > 'b'", "tag.a RLIKE 'b'",
    "span.name = 'root'", "span.name LIKE 'ch%'", "span.name IN ('root', 'failing')", "span.type = 'TOOL'", "span.status = 'ERROR'",
    "span.name = 'root' AND span.type = 'TOOL'", "span.attributes.text LIKE '%quoted%'", "span.attributes.half LIKE '%0.5%'", "span.name > 'a'",
    "span.foo = 'a'", "span.attributes. = 'a'", "trace.text LIKE '%hé%'", "trace.text ILIKE '%BOOM%'", "span.content LIKE '%boom%'",
    "feedback.quality = '0.5'", "feedback.quality = 'bad'", "feedback.quality > 0.4", "feedback.quality > 0.6", "feedback.quality IS NULL",
    "feedback.quality IS NOT NULL", "feedback.quality != 'bad'", "feedback.quality LIKE '%ba%'", "expectation.truth = 'yes'",
    "feedback.quality > 'a'", "feedback.quality = 4", "issue.id = 'x'", "issue.x = 'y'", "prompt = 'p/2'", "prompt = 'p'", "prompt != 'p/2'",
    "status = 'OK' AND name = 'predict' AND timestamp > 5", "status = 'OK' and execution_time_ms < 99999", "status = \"OK\"", "`status` = 'OK'",
    "name = 'a' OR name = 'b'", "(status = 'OK')", "status = OK", "status", "foo = 'a'", "metrics.a > 4", "param.x = 'y'", "status = ", "= 'OK'",
    "experiment_id = '1'", "run_id IN ('a')", "request_id IS NOT NULL", "status = 'OK' AND", "tag.x.y = 'z'", "",
]
for text in FILTERS:
    body = {"locations": [location(EXP), location(EXP2)], "filter": text, "max_results": 50}
    check("POST", f"{V3}/search", body)
ORDERS = [
    ["timestamp_ms"], ["timestamp DESC"], ["execution_time_ms DESC"], ["status", "timestamp_ms"], ["name DESC"], ["tags.a"], ["tag.n DESC"],
    ["metadata.long"], ["request_id DESC"], ["experiment_id", "request_id"], ["run_id"], ["status", "status"], ["foo"], ["span.name"],
    ["timestamp_ms foo"], ["client_request_id"],
]
for order in ORDERS:
    check("POST", f"{V3}/search", {"locations": [location(EXP)], "order_by": order, "max_results": 50})
for limit in (0, -1, 500, 501, "3", "x"):
    check("POST", f"{V3}/search", {"locations": [location(EXP)], "max_results": limit})
check("POST", f"{V3}/search", {})
check("POST", f"{V3}/search", {"locations": [location("987654")]})
check("POST", f"{V3}/search", {"locations": [location(EXP)], "page_token": "zz"})

# What clients before MLflow 3 send
old = {"experiment_id": EXP, "timestamp_ms": 1700000300000, "tags": [{"key": "mlflow.traceName", "value": "old"}], "request_metadata": [{"key": "m", "value": "1"}]}
post("traces", old, keep={"old": ("trace_info", "request_id")})
post("traces", {**old, "experiment_id": "987654"})
get("traces/$old/info")
end = {"timestamp_ms": 1700000300500, "status": "OK", "tags": [{"key": "t", "value": "2"}], "request_metadata": [{"key": "m2", "value": "3"}]}
check("PATCH", "/api/2.0/mlflow/traces/$old", end)
check("PATCH", "/api/2.0/mlflow/traces/nope", end)
get("traces/nope/info")
get("traces", {"experiment_ids": [EXP], "filter": "name = 'old'"})
get("traces", {"experiment_ids": [EXP], "max_results": "600"})
get("traces")
check("GET", f"{V3}/$old")

# Deleting
post("traces/delete-traces", {})
post("traces/delete-traces", {"experiment_id": EXP})
post("traces/delete-traces", {"experiment_id": EXP, "max_traces": 1})
post("traces/delete-traces", {"experiment_id": EXP, "max_timestamp_millis": 5, "request_ids": ["tr-1"]})
post("traces/delete-traces", {"experiment_id": EXP, "max_traces": 0, "max_timestamp_millis": 5})
post("traces/delete-traces", {"experiment_id": EXP, "request_ids": ["tr-2", "tr-4", "nope"]})
check("POST", f"{V3}/delete-traces", {"experiment_id": EXP, "max_timestamp_millis": 1800000000000, "max_traces": 2})
check("POST", f"{V3}/search", {"locations": [location(EXP), location(EXP2)]})
check("POST", f"{V3}/delete-traces", {"experiment_id": "987654", "request_ids": ["tr-1"]})
