"""Bodies that are no JSON object, other content types, other verbs, ids with tricks, routes that are not there."""

import json
from urllib.parse import unquote

from compare import JSON, check, post

post("experiments/create", {"name": "bodies"}, keep={"bexp": ("experiment_id",)})
post("runs/create", {"experiment_id": "$bexp", "start_time": 1, "run_name": "b"}, keep={"brun": ("run", "info", "run_id")})

create, metric = "/api/2.0/mlflow/experiments/create", "/api/2.0/mlflow/runs/log-metric"
BODIES = [
    "", " ", "{", "{}", "[]", "[1]", "null", "true", "5", '"text"', '"{}"', '"["', "{'name': 'x'}", '{"name": "x"', '{"name": "x"} trailing',
    '{"name": "one", "name": ""}', "[" * 2000, '{"a":' * 50 + "1" + "}" * 50,
    '\ufeff{"name": ""}', '{"name": ""}\n', "// x\n{}", '{"name": "tab\tin text"}',
]
for body in BODIES:
    check("POST", create, data=body.encode(), headers=JSON, ignore=("experiment_id",))
check("POST", create, data=b'{"name": "\xff"}', headers=JSON, ignore=("experiment_id",), differs="encodings")
check("POST", create, data=b'{"name": "\\ud800"}', headers=JSON, ignore=("experiment_id",), differs="encodings")
check("POST", create, data=json.dumps({"name": "utf-16"}).encode("utf-16"), headers=JSON, ignore=("experiment_id",), differs="encodings")
for value in ("NaN", "Infinity"):
    check("POST", create, data=f'{{"name": {value}}}'.encode(), headers=JSON, ignore=("experiment_id",), differs="NaN as text")
for value in ("NaN", "Infinity", "-Infinity", "1e400"):
    check("POST", metric, data=f'{{"run_id": "$brun", "key": "{value}", "value": {value}, "timestamp": 1}}'.encode(), headers=JSON)
for type_ in ("text/plain", "application/json;charset=UTF-8", "APPLICATION/JSON", "application/vnd.api+json", "multipart/form-data", "*/*", "", "application/json, text/plain", ";"):
    check("POST", create, data=b'{"name": ""}', headers={"Content-Type": type_})
check("POST", create, data=b"{}")
check("PATCH", "/api/2.0/mlflow/registered-models/update", data=b'{"name": "none"}', headers={"Content-Type": "text/plain"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete", data=b'{"name": "none"}', headers={"Content-Type": "text/plain"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete", params={"name": "none"})
check("GET", "/api/2.0/mlflow/experiments/get", {"experiment_id": "$bexp"}, differs="GET with a body")
check("GET", "/api/2.0/mlflow/experiments/get", params={"experiment_id": ["$bexp", "0"]})
check("GET", "/api/2.0/mlflow/experiments/search", params={"max_results": 1, "order_by": ["name", "creation_time"]}, ignore=("experiments", "next_page_token"))

# Ids with tricks
IDS = ["..", "../x", "..%2fx", "%2e%2e", "%252e%252e", "a%00b", "a/b", "a%2fb", "a b", "%20", "x" * 300, "é", "%E9", "m-none", "a\\b", "*", "?", "#"]
for id_ in IDS:
    plain = id_.replace("%2f", "/").replace("%2e", ".").replace("%00", "\u0000")
    for path, name in (("runs/get", "run_id"), ("experiments/get", "experiment_id"), ("experiments/get-by-name", "experiment_name"), ("artifacts/list", "run_id"), ("registered-models/get", "name")):
        check("GET", f"/api/2.0/mlflow/{path}", params={name: plain})
    for path, body in (("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("runs/log-batch", {}), ("runs/log-parameter", {"key": "a", "value": "b"}), ("runs/update", {"status": "FAILED"}), ("runs/delete", {}), ("runs/log-inputs", {}), ("runs/outputs", {"models": [{"model_id": "m-1"}]})):
        post(path, {**body, "run_id": plain})
    post("runs/create", {"experiment_id": plain, "start_time": 1})
    post("runs/search", {"experiment_ids": [plain]})
    post("logged-models/search", {"experiment_ids": [plain]})
    post("logged-models", {"experiment_id": plain})
    strict = "artifact paths" if any(c in plain for c in "\0\\#") else None
    check("GET", "/api/2.0/mlflow/artifacts/list", params={"run_id": "$brun", "path": plain}, differs=strict)
for id_ in ("m-none", "..%2fx", "a%00b", "a%20b", "x" * 300, "%25"):
    no_route = "%2f" in id_
    check("GET", f"/api/2.0/mlflow/logged-models/{id_}", ignore_code=no_route)
    check("DELETE", f"/api/2.0/mlflow/logged-models/{id_}", ignore_code=no_route)
    check("PATCH", f"/api/2.0/mlflow/logged-models/{id_}", {"model_id": unquote(id_), "status": "LOGGED_MODEL_READY"}, ignore_code=no_route)
    check("POST", f"/api/2.0/mlflow/logged-models/{id_}/params", {"model_id": unquote(id_), "params": [{"key": "a", "value": "b"}]}, ignore_code=no_route)

# Deleted parents
post("runs/delete", {"run_id": "$brun"})
for path, body in (
    ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("runs/log-parameter", {"key": "a", "value": "b"}), ("runs/set-tag", {"key": "a", "value": "b"}),
    ("runs/delete-tag", {"key": "a"}), ("runs/log-batch", {"tags": [{"key": "a", "value": "b"}]}), ("runs/log-inputs", {}), ("runs/outputs", {"models": [{"model_id": "m-1", "step": 1}]}),
    ("runs/update", {"status": "FAILED"}), ("runs/delete", {}),
):
    post(path, {**body, "run_id": "$brun"})
post("runs/restore", {"run_id": "$brun"})
post("experiments/delete", {"experiment_id": "$bexp"})
post("experiments/update", {"experiment_id": "$bexp", "new_name": "other name"})
post("runs/create", {"experiment_id": "$bexp", "start_time": 1})
post("runs/log-metric", {"run_id": "$brun", "key": "m", "value": 1, "timestamp": 1})
post("runs/search", {"experiment_ids": ["$bexp"]})
post("logged-models", {"experiment_id": "$bexp", "name": "x"})
post("experiments/delete-experiment-tag", {"experiment_id": "$bexp", "key": "x"})
post("runs/restore", {"run_id": "$brun"})
post("experiments/restore", {"experiment_id": "$bexp"})

# Verbs
for path, verbs in (("experiments/create", ("POST",)), ("runs/search", ("POST",)), ("registered-models/alias", ("GET", "HEAD", "POST", "DELETE"))):
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "GET", "POST"):
        wrong = method not in verbs
        check(method, f"/api/2.0/mlflow/{path}", ignore_code=True, differs="wrong verbs" if wrong else None)
for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "GET", "POST"):
    check(method, "/api/2.0/mlflow/none", ignore_code=True)
check("GET", "/api/2.0/mlflow/experiments/get/", params={"experiment_id": "0"}, ignore_code=True)
check("GET", "/api/2.0/mlflow//experiments/get", params={"experiment_id": "0"}, differs="two slashes")
check("GET", "/api/2.0/preview/mlflow/experiments/get", params={"experiment_id": "0"}, ignore_code=True)
