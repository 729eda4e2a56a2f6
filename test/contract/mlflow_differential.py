"""Sends the same requests to Millrace and to MLflow's own server code, and compares the answers field by field.

Usage: mlflow_differential.py <millrace url> <scratch directory>
Prints one line per difference and exits with their number (at most 100).
"""

import json
import os
import re
import sys

url, scratch = sys.argv[1], sys.argv[2]
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["_MLFLOW_SERVER_REGISTRY_STORE"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = f"{scratch}/artifacts"
os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "true"

import requests  # noqa: E402
from mlflow.server import app  # noqa: E402


class Millrace:
    def __init__(self):
        self.session = requests.Session()

    def send(self, method, path, **kwargs):
        answer = self.session.request(method, url + path, timeout=30, **kwargs)
        return answer.status_code, answer.text


class Mlflow:
    def __init__(self):
        self.client = app.test_client()

    def send(self, method, path, params=None, headers=None, **kwargs):
        answer = self.client.open(path, method=method, query_string=params, headers=headers, **kwargs)
        return answer.status_code, answer.get_data(as_text=True)


class Side:
    """One of the two servers, with the ids that it gave: requests name them as $name."""

    def __init__(self, server):
        self.server = server
        self.ids = {}

    def fill(self, value):
        if isinstance(value, str):
            return re.sub(r"\$(\w+)", lambda m: self.ids.get(m.group(1), m.group(0)), value)
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        return value

    def call(self, method, path, body, params, headers, data):
        kwargs = {"params": self.fill(params) if params else None}
        if body is not None:
            kwargs["json"] = self.fill(body)
        if data is not None:
            kwargs["data"] = data
        if headers:
            kwargs["headers"] = headers
        status, text = self.server.send(method, self.fill(path), **kwargs)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


TIMES = {
    "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp",
    "creation_timestamp_ms", "last_updated_timestamp_ms",
}
UNORDERED = {"tags", "params", "metrics", "aliases", "latest_versions"}


def normal(side, value, key=None):
    """Ids become their names, times of the server's clock become 0, and lists without an order are sorted."""
    if key in TIMES and isinstance(value, int):
        return 0
    if key in ("next_page_token", "workspace"):
        return "…"
    if isinstance(value, str):
        for name, id_ in sorted(side.ids.items(), key=lambda item: -len(item[1])):
            if len(id_) > 8:
                value = value.replace(id_, f"${name}")
        # MLflow's message names the columns of its own database here.
        return re.sub(r"(already exists\.) Error: .*", r"\1", value, flags=re.S)
    if isinstance(value, list):
        items = [normal(side, item) for item in value]
        if key in UNORDERED and all(isinstance(item, dict) for item in items):
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if isinstance(value, dict):
        return {k: normal(side, v, k) for k, v in value.items() if k != "workspace"}
    return value


def sets_sorted(text):
    """Python prints sets in any order: compare their members."""
    return re.sub(r"\{([^{}]*)\}", lambda m: "{" + ", ".join(sorted(m.group(1).split(", "))) + "}", text)


sides = [Side(Millrace()), Side(Mlflow())]
differences = 0
compared = 0


def check(method, path, body=None, params=None, headers=None, data=None, keep=None, ignore=(), status_only=False):
    """Compares one request. `keep` names an id in the answer for later requests: {'run': ('run','info','run_id')}"""
    global differences, compared
    compared += 1
    answers = []
    for side in sides:
        status, answer = side.call(method, path, body, params, headers, data)
        for name, steps in (keep or {}).items():
            found = answer
            for step in steps:
                found = found[step]
            side.ids[name] = found
        answers.append((status, answer))
    shown = []
    for side, (status, answer) in zip(sides, answers):
        if status_only:
            answer = answer.get("error_code") if isinstance(answer, dict) else None
        else:
            answer = normal(side, answer)
            if isinstance(answer, dict):
                answer = {k: v for k, v in answer.items() if k not in ignore}
                if isinstance(answer.get("message"), str):
                    answer["message"] = sets_sorted(answer["message"])
        shown.append((status, answer))
    if shown[0] != shown[1]:
        differences += 1
        request = json.dumps(body if body is not None else params if params is not None else data)[:300]
        print(f"{method} {path} {request}")
        print(f"  millrace {json.dumps(shown[0])[:1500]}")
        print(f"  mlflow   {json.dumps(shown[1])[:1500]}", flush=True)


def post(path, body, **kwargs):
    check("POST", f"/api/2.0/mlflow/{path}", body, **kwargs)


def get(path, params=None, **kwargs):
    check("GET", f"/api/2.0/mlflow/{path}", params=params, **kwargs)


# Experiments
post("experiments/create", {"name": "diff", "tags": [{"key": "a", "value": "b"}]}, keep={"exp": ("experiment_id",)})
post("experiments/create", {"name": "diff"})
post("experiments/create", {"name": "other"}, keep={"exp2": ("experiment_id",)})
for side in sides:
    side.ids["exp_long"] = "x"
get("experiments/get", {"experiment_id": "$exp"})
get("experiments/get-by-name", {"experiment_name": "diff"})
get("experiments/get-by-name", {"experiment_name": "nope"})
get("experiments/get", {"experiment_id": "987654"})
get("experiments/get", {"experiment_id": "abc"})
get("experiments/get", {})
post("experiments/create", {"name": 123})
post("experiments/create", {"name": ""})
post("experiments/create", {})
post("experiments/create", {"name": "x" * 501})
post("experiments/create", {"name": "tags", "tags": [{"key": "../a", "value": "b"}]})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k", "value": "v"})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k", "value": "v" * 20001})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k" * 251, "value": "v"})
post("experiments/set-experiment-tag", {"experiment_id": "$exp"})
post("experiments/delete-experiment-tag", {"experiment_id": "$exp", "key": "none"})
post("experiments/update", {"experiment_id": "$exp", "new_name": "diff2"})
post("experiments/update", {"experiment_id": "$exp"})
post("experiments/search", {"max_results": 2, "order_by": ["name"]})
post("experiments/search", {"max_results": 0})
post("experiments/search", {"max_results": 50001})
post("experiments/search", {"max_results": 5, "filter": "tags.k = 'v'"})
post("experiments/search", {"max_results": 5, "filter": "name ILIKE 'DIFF%'"})
post("experiments/search", {"max_results": 5, "filter": "metrics.k = 1"})
post("experiments/search", {"max_results": 5, "filter": "bad = 'x'"})
post("experiments/search", {"max_results": 5, "filter": "name = 1"})
post("experiments/search", {"max_results": 5, "view_type": "ALL", "order_by": ["experiment_id ASC"]})
post("experiments/search", {"max_results": 5, "order_by": ["bad"]})
get("experiments/search", {"max_results": "3", "view_type": "ACTIVE_ONLY", "order_by": "experiment_id DESC"})
post("experiments/delete", {"experiment_id": "$exp2"})
post("experiments/delete", {"experiment_id": "$exp2"})
post("runs/create", {"experiment_id": "$exp2", "start_time": 1})
post("experiments/set-experiment-tag", {"experiment_id": "$exp2", "key": "k", "value": "v"})
post("experiments/create", {"name": "other"})
post("experiments/search", {"max_results": 5, "view_type": "DELETED_ONLY"})
post("experiments/restore", {"experiment_id": "$exp2"})
post("experiments/restore", {"experiment_id": "$exp2"})
post("experiments/create", {"name": "with location", "artifact_location": "s3://bucket/x"}, keep={"exp3": ("experiment_id",)})
get("experiments/get", {"experiment_id": "$exp3"})

# Runs
run = {"experiment_id": "$exp", "start_time": 1000, "user_id": "ada", "run_name": "one", "tags": [{"key": "t", "value": "1"}]}
post("runs/create", run, keep={"run": ("run", "info", "run_id")})
post("runs/create", {**run, "run_name": "two", "start_time": 2000}, keep={"run2": ("run", "info", "run_id")})
post("runs/create", {**run, "run_name": "three", "start_time": 3000}, keep={"run3": ("run", "info", "run_id")})
post("runs/create", {"experiment_id": "$exp", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]})
post("runs/create", {"experiment_id": "424242", "start_time": 1})
post("runs/create", {"experiment_id": "$exp", "start_time": "soon"})
get("runs/get", {"run_id": "$run"})
get("runs/get", {"run_uuid": "$run"})
get("runs/get", {"run_id": "f" * 32})
get("runs/get", {})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.1"})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.1"})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.2"})
post("runs/log-parameter", {"run_id": "$run", "key": "empty"})
post("runs/log-parameter", {"run_id": "$run", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "a/../b", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "é ü:/ok", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "no*star", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "k" * 251, "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "long", "value": "x" * 7000})
metric = {"run_id": "$run", "key": "auc", "value": 0.5, "timestamp": 10, "step": 1}
post("runs/log-metric", metric)
post("runs/log-metric", {**metric, "value": "NaN", "step": 2})
post("runs/log-metric", {**metric, "value": "Infinity", "step": 3, "key": "inf"})
post("runs/log-metric", {**metric, "value": "-Infinity", "step": 3, "key": "inf"})
post("runs/log-metric", {**metric, "value": 7, "step": 0})
post("runs/log-metric", {**metric, "value": "0.25", "timestamp": "11", "step": "2"})
post("runs/log-metric", {**metric, "value": "abc"})
post("runs/log-metric", {**metric, "value": None})
post("runs/log-metric", {**metric, "timestamp": -1})
post("runs/log-metric", {**metric, "timestamp": None})
post("runs/log-metric", {**metric, "key": None})
post("runs/log-metric", {**metric, "key": "a//b"})
post("runs/log-metric", {**metric, "run_id": "0" * 32})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc"})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc", "max_results": 2})
get("metrics/get-history", {"run_id": "$run", "metric_key": "none"})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc", "max_results": 0})
get("metrics/get-history", {"run_id": "$run"})
get("metrics/get-history-bulk-interval", {"run_ids": ["$run", "$run2"], "metric_key": "auc", "max_results": 2})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "max_results": 2501})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 1})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 3, "end_step": 1})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 1, "end_step": 2})
post("runs/set-tag", {"run_id": "$run", "key": "mlflow.runName", "value": "renamed"})
post("runs/set-tag", {"run_id": "$run", "key": "t", "value": "v" * 9000})
post("runs/set-tag", {"run_id": "$run", "key": "..", "value": "v"})
post("runs/delete-tag", {"run_id": "$run", "key": "none"})
post("runs/update", {"run_id": "$run2", "status": "FINISHED", "end_time": 5000, "run_name": "deux"})
post("runs/update", {"run_id": "$run3", "status": "FAILED"})
post("runs/update", {"status": "FAILED"})
get("runs/get", {"run_id": "$run"})
get("runs/get", {"run_id": "$run2"})
batch = {"run_id": "$run2", "metrics": [], "params": [], "tags": []}
m = {"key": "auc", "value": 0.9, "timestamp": 5, "step": 0}
post("runs/log-batch", {**batch, "metrics": [m, m, {**m, "key": "loss", "value": "NaN"}], "params": [{"key": "lr", "value": "1"}], "tags": [{"key": "x", "value": "y"}, {"key": "x", "value": "z"}]})
post("runs/log-batch", {**batch, "params": [{"key": "lr", "value": "2"}, {"key": "new", "value": "2"}]})
post("runs/log-batch", {**batch, "params": [{"key": "d", "value": "2"}, {"key": "d", "value": "2"}]})
post("runs/log-batch", {**batch, "params": [{"key": f"k{i}", "value": ""} for i in range(101)]})
post("runs/log-batch", {**batch, "tags": [{"key": f"k{i}", "value": ""} for i in range(101)]})
post("runs/log-batch", {**batch, "metrics": [m] * 1001})
post("runs/log-batch", {**batch, "metrics": [{"key": "auc", "timestamp": 5}]})
post("runs/log-batch", {**batch, "metrics": [{"value": 5, "timestamp": 5}]})
post("runs/log-batch", {**batch, "metrics": [{**m, "key": "../x"}]})
post("runs/log-batch", {**batch, "metrics": "x"})
post("runs/log-batch", {**batch, "params": [{"value": "1"}]})
post("runs/log-batch", {**batch, "run_id": "$"})
post("runs/log-batch", {"metrics": []})
get("runs/get", {"run_id": "$run2"})
dataset = {"name": "jan", "digest": "abc", "source_type": "local", "source": "{}", "profile": "{}"}
post("runs/log-inputs", {"run_id": "$run", "datasets": [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]})
post("runs/log-inputs", {"run_id": "$run", "datasets": [{"dataset": {**dataset, "digest": "x" * 37}}]})
post("runs/log-inputs", {"datasets": []})
get("runs/get", {"run_id": "$run"})

# Search
for i, (value, name) in enumerate([("0.1", "alpha"), ("0.7", "beta"), ("NaN", "gamma")]):
    post("runs/create", {"experiment_id": "$exp", "start_time": 4000 + i, "run_name": name}, keep={f"s{i}": ("run", "info", "run_id")})
    post("runs/log-metric", {"run_id": f"$s{i}", "key": "my metric", "value": value, "timestamp": 1})
    post("runs/log-parameter", {"run_id": f"$s{i}", "key": "my-param", "value": name})
FILTERS = [
    "", "metrics.auc > 0.1", "metrics.auc >= 0.25 and metrics.auc < 1", "metrics.`my metric` > 0.05",
    'metrics."my metric" != 0.1', "metrics.`my metric` = 0", "metric.auc = 0.9", "metrics.auc > -1.5e3",
    "params.lr = '0.1'", 'params.lr = "0.1"', "param.lr != '0.1'", "parameters.lr LIKE '0%'", "params.`my-param` ILIKE 'AL%'",
    "params.`my-param` like 'AL%'", "tags.t = '1'", "tag.mlflow.runName = 'alpha'", "tags.nope IS NULL", "tags.t IS NOT NULL",
    "params.lr IS NULL", "params.lr is not null AND metrics.auc > 0", "attributes.status = 'RUNNING'", "status = 'FINISHED'",
    "attribute.start_time > 2500", "start_time <= 2000", "created > 4000", "end_time > 1", "run_name = 'beta'", "`run name` = 'beta'",
    "attributes.run_name LIKE '%a'", "user_id = 'ada'", "run_id = '$run'", "run_id IN ('$run', '$run2')", "run_id NOT IN ('$run')",
    "artifact_uri LIKE 'mlflow-artifacts%'", "dataset.name = 'jan'", "datasets.digest IN ('abc', 'x')", "dataset.context = 'training'",
    "dataset.name != 'jan'", "status != 'RUNNING' AND tags.t = '1'",
    # refused
    "metrics.auc", "metrics.auc >", "metrics.auc > 0.1 OR metrics.auc < 1", "(metrics.auc > 0.1)", "metrics.auc > 'a'",
    "metrics.auc LIKE 'a'", "params.lr = 0.1", "params.lr > '0.1'", "params.lr = abc", "nope.lr = 'x'", "attributes.nope = 'x'",
    "start_time = 'x'", "status > 'x'", "status IN ('RUNNING')", "run_id IN ()", "run_id IN (1, 2)", "metrics.auc IS NULL",
    "dataset.nope = 'x'", "dataset.name = 1", "tags.a IN ('x')", "1 = 1", "metrics.auc > 0.1,", "AND", "status = RUNNING",
    "start_time LIKE 'x'", "tags.`a", "metrics.auc > 0.1; metrics.auc < 1", "metrics.auc == 0.1", "metrics.auc <> 0.1",
]
for text in FILTERS:
    post("runs/search", {"experiment_ids": ["$exp"], "filter": text}, status_only=text == "tags.`a")
ORDERS = [
    ["metrics.auc"], ["metrics.auc DESC"], ["metrics.`my metric` ASC"], ["metrics.`my metric` desc", "start_time"],
    ["params.lr", "start_time asc"], ["params.`my-param` DESC"], ["tags.t"], ["start_time"], ["attributes.end_time DESC"], ["run_name DESC"],
    ["Created ASC"], ["status", "start_time"], ["metrics.none"],
    # refused
    ["nope.x"], ["attributes.nope"], ["metrics.auc up"], ["metrics.auc asc desc"], [""], ["dataset.name"],
]
for order in ORDERS:
    post("runs/search", {"experiment_ids": ["$exp"], "order_by": order}, status_only=order in ([""], ["dataset.name"]))
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 2})
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 50001})
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 0})
post("runs/search", {"experiment_ids": "x"})
post("runs/search", {"experiment_ids": ["x"]})
post("runs/search", {"experiment_ids": []})
post("runs/search", {"experiment_ids": ["$exp"], "page_token": "!!!"}, status_only=True)
post("runs/delete", {"run_id": "$run3"})
post("runs/search", {"experiment_ids": ["$exp"], "run_view_type": "DELETED_ONLY"})
post("runs/log-metric", {**metric, "run_id": "$run3"})
post("runs/set-tag", {"run_id": "$run3", "key": "a", "value": "b"})
post("runs/update", {"run_id": "$run3", "status": "FINISHED"})
post("runs/restore", {"run_id": "$run3"})
get("runs/get", {"run_id": "$run3"})

# Logged models
model = {"experiment_id": "$exp", "name": "m", "source_run_id": "$run", "model_type": "x", "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "1"}]}
post("logged-models", model, keep={"model": ("model", "info", "model_id")})
post("logged-models", {**model, "name": "a/b"})
post("logged-models", {"name": "x"})
post("runs/outputs", {"run_id": "$run", "models": [{"model_id": "$model", "step": 3}]})
post("runs/outputs", {"run_id": "$run"})
post("runs/log-metric", {**metric, "key": "val", "model_id": "$model", "dataset_name": "jan", "dataset_digest": "abc"})
check("PATCH", "/api/2.0/mlflow/logged-models/$model", {"model_id": "$model", "status": 2})
check("PATCH", "/api/2.0/mlflow/logged-models/$model/tags", {"model_id": "$model", "tags": [{"key": "t", "value": "2"}]})
check("DELETE", "/api/2.0/mlflow/logged-models/$model/tags/none")
check("DELETE", "/api/2.0/mlflow/logged-models/$model/tags/t")
post("logged-models/$model/params", {"model_id": "$model", "params": [{"key": "q", "value": "2"}]})
get("logged-models/$model")
get("logged-models/m-0000")
get("runs/get", {"run_id": "$run"})
for text in ["", "name = 'm'", "metrics.val > 0.1", "metrics.val > 9", "params.p = '1'", "tags.t = '2'", "status = 'READY'", "nope.x = 1", "name > 'a'"]:
    post("logged-models/search", {"experiment_ids": ["$exp"], "filter": text}, status_only=text in ("nope.x = 1", "name > 'a'", "status = 'READY'"))
post("logged-models/search", {"experiment_ids": ["$exp"], "order_by": [{"field_name": "metrics.val", "ascending": False}]})
post("logged-models/search", {"experiment_ids": ["$exp"], "order_by": [{"field_name": "bad"}]}, status_only=True)

# Registry
post("registered-models/create", {"name": "late", "description": "d", "tags": [{"key": "k", "value": "v"}]})
post("registered-models/create", {"name": "late"})
post("registered-models/create", {"name": "a/b"})
post("registered-models/create", {"name": ""})
post("registered-models/create", {"name": "zeta"})
post("model-versions/create", {"name": "late", "source": "models:/$model", "model_id": "$model"})
post("model-versions/create", {"name": "late", "source": "s3://bucket/m", "description": "two", "tags": [{"key": "k", "value": "v"}]})
post("model-versions/create", {"name": "none", "source": "s3://bucket/m"})
post("model-versions/create", {"name": "late"})
for source, extra in [
    ("/etc/passwd", {}), ("file:///etc", {}), ("s3://b/../c", {}), ("mlflow-artifacts:/1/x/artifacts/%2e%2e", {}),
    ("runs:/$run/m", {"run_id": "$run2"}), ("mlflow-artifacts:/9/other/artifacts/m", {"run_id": "$run"}), ("models:/$model", {}),
]:
    post("model-versions/create", {"name": "late", "source": source, **extra})
post("model-versions/create", {"name": "late", "source": "runs:/$run/m", "run_id": "$run"})
get("registered-models/get", {"name": "late"})
get("registered-models/get", {"name": "nope"})
get("registered-models/get", {"name": "a:b"})
get("model-versions/get", {"name": "late", "version": "1"})
get("model-versions/get", {"name": "late", "version": "99"})
get("model-versions/get", {"name": "late", "version": "x"})
get("model-versions/get-download-uri", {"name": "late", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "best", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "latest", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "v1", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "a b", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "x", "version": "77"})
get("registered-models/alias", {"name": "late", "alias": "best"})
get("registered-models/alias", {"name": "late", "alias": "latest"})
get("registered-models/alias", {"name": "late", "alias": "none"})
post("model-versions/set-tag", {"name": "late", "version": "1", "key": "a", "value": "b"})
post("model-versions/set-tag", {"name": "late", "version": "1", "key": "", "value": "b"})
check("DELETE", "/api/2.0/mlflow/model-versions/delete-tag", {"name": "late", "version": "1", "key": "a"})
check("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": "late", "version": "1", "description": "new"})
check("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": "late", "description": "newer"})
post("model-versions/transition-stage", {"name": "late", "version": "1", "stage": "production"})
post("model-versions/transition-stage", {"name": "late", "version": "2", "stage": "Production", "archive_existing_versions": True})
post("model-versions/transition-stage", {"name": "late", "version": "2", "stage": "Prod"})
get("registered-models/get", {"name": "late"})
post("registered-models/get-latest-versions", {"name": "late", "stages": ["production"]})
get("registered-models/get-latest-versions", {"name": "late"})
for text in ["", "name = 'late'", "name LIKE 'LATE'", "name ILIKE 'LATE'", "tags.k = 'v'", "name IN ('late')", "bad = 'x'", "name > 'a'", "tags.k > 'v'"]:
    get("registered-models/search", {"filter": text}, status_only="'a'" in text or "> 'v'" in text)
get("registered-models/search", {"order_by": "name DESC"})
get("registered-models/search", {"max_results": 1})
get("registered-models/search", {"max_results": 1001})
for text in ["", "name = 'late'", "version_number > 1", "run_id = '$run'", "source_path LIKE 's3%'", "tags.k = 'v'", "run_id IN ('$run')", "bad = 1"]:
    get("model-versions/search", {"filter": text, "order_by": "version_number ASC"})
post("registered-models/set-tag", {"name": "late", "key": "x", "value": "y"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete-tag", {"name": "late", "key": "x"})
check("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": "late", "alias": "best"})
check("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": "late", "version": "2"})
get("model-versions/get", {"name": "late", "version": "2"})
post("model-versions/create", {"name": "late", "source": "s3://bucket/m"})
post("registered-models/rename", {"name": "late", "new_name": "zeta"})
post("registered-models/rename", {"name": "late", "new_name": "later"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "later"})
get("registered-models/get", {"name": "later"})

# Artifacts and the shape of requests
base = "/api/2.0/mlflow-artifacts/artifacts"
binary = {"Content-Type": "application/octet-stream"}
check("PUT", f"{base}/$exp/$run/artifacts/dir/a%20b.txt", data=b"hello", headers=binary)
check("PUT", f"{base}/$exp/$run/artifacts/top.txt", data=b"", headers=binary)
check("GET", f"{base}/$exp/$run/artifacts/dir/a%20b.txt")
check("GET", base, params={"path": "$exp/$run/artifacts"})
check("GET", base, params={"path": "$exp/$run/artifacts/dir"})
check("GET", base, params={"path": "../.."})
check("GET", base, params={"path": "/etc"})
check("PUT", f"{base}/a/%252e%252e/x", data=b"x", headers=binary)
get("artifacts/list", {"run_id": "$run"})
get("artifacts/list", {"run_id": "$run", "path": "dir"})
get("artifacts/list", {"run_id": "$run", "path": "../x"})
get("artifacts/list", {"run_id": "$run", "path": "none"})
check("DELETE", f"{base}/$exp/$run/artifacts/dir/a%20b.txt")
get("artifacts/list", {"run_id": "$run", "path": "dir"})
create = "/api/2.0/mlflow/experiments/create"
check("POST", create, data="{not json", headers={"Content-Type": "application/json"})
check("POST", create, data=json.dumps(json.dumps({"name": "twice"})), headers={"Content-Type": "application/json"}, ignore=("experiment_id",))
check("POST", create, data="name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
check("POST", create, data="{}", headers={"Content-Type": "application/json; charset=utf-8"})
check("POST", create, {"name": "more", "unknown": 1, "artifactLocation": "s3://b/y"}, ignore=("experiment_id",))
check("GET", "/ajax-api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "more"}, ignore=("experiment",))
check("GET", "/api/3.0/mlflow/server-info", ignore=("presigned_upload_run_id_supported", "presigned_upload_model_id_supported", "features_enabled", "multipart_downloads_enabled", "multipart_uploads_enabled"))
check("GET", "/health")
check("GET", "/version")

print(f"{compared} requests compared, {differences} differences")
sys.exit(min(differences, 100))
