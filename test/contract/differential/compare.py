"""Sends the same requests to Millrace and to MLflow's own server code, and compares the answers field by field."""

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
from google.protobuf.json_format import ParseError  # noqa: E402
from known import KNOWN  # noqa: E402
from mlflow.server import app, handlers  # noqa: E402


class Millrace:
    def __init__(self):
        self.session = requests.Session()

    def send(self, method, path, **kwargs):
        answer = self.session.request(method, url + path, timeout=120, **kwargs)
        return answer.status_code, answer.text


class Mlflow:
    """
    MLflow's server in this process. `half_read` says that it could not parse the last request: it then goes on with
    the fields in front of the one that it stumbled over, and the others are as if they had not been sent.
    """

    def __init__(self):
        self.client = app.test_client()
        self.half_read = False
        parse = handlers.parse_dict

        def observed(*args):
            try:
                parse(*args)
            except ParseError:
                self.half_read = True
                raise

        handlers.parse_dict = observed

    def send(self, method, path, params=None, headers=None, **kwargs):
        self.half_read = False
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
counts = {"compared": 0, "differences": 0, "known": 0, "failed by mlflow": 0, "half read by mlflow": 0}
JSON = {"Content-Type": "application/json"}


def check(method, path, body=None, params=None, headers=None, data=None, keep=None, ignore=(), status_only=False, ignore_code=False, differs=None):
    """
    Compares one request. `keep` names an id in the answer for later requests: {'run': ('run','info','run_id')};
    `ignore` leaves out fields; `status_only` compares status and error code, `ignore_code` the status alone; `differs` is a reason in `known.py` why the answers are not the same.

    Where MLflow's own server fails (500, which its clients repeat for minutes, or an error of its database),
    Millrace has to refuse or to work;
    where MLflow goes on with half a request, Millrace has to refuse it.
    """
    counts["compared"] += 1
    answers = []
    for side in sides:
        status, answer = side.call(method, path, body, params, headers, data)
        for name, steps in (keep or {}).items():
            found = answer
            for step in steps:
                found = found[step]
            side.ids[name] = found
        answers.append((status, answer))
    leaked = isinstance(answers[1][1], dict) and "sqlite3." in str(answers[1][1].get("message"))
    if (answers[1][0] >= 500 or leaked) and answers[0][0] < 500:
        counts["failed by mlflow"] += 1
        return
    if sides[1].server.half_read and answers[0][0] == 400 and answers[0] != answers[1] and answers[1][0] in (200, 400, 404):
        counts["half read by mlflow"] += 1
        return
    shown = [(status, None if ignore_code else comparable(side, answer, ignore, status_only)) for side, (status, answer) in zip(sides, answers)]
    if differs is not None and differs in KNOWN and shown[0] != shown[1]:
        counts["known"] += 1
    elif shown[0] != shown[1] or differs is not None:
        counts["differences"] += 1
        request = json.dumps(body if body is not None else params if params is not None else repr(data))[:300]
        print(f"{method} {path[:300]} {request} {differs or ''}")
        for path, ours, theirs in places(*shown):
            print(f"  {path}: millrace {json.dumps(ours)[:300]}, mlflow {json.dumps(theirs)[:300]}", flush=True)


def places(ours, theirs, path="answer"):
    """Where two values differ: (path, ours, theirs), at most ten."""
    if isinstance(ours, list) and isinstance(theirs, list) and all(isinstance(item, dict) and "key" in item for item in ours + theirs):
        ours, theirs = ({item["key"]: item for item in items} for items in (ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [*ours, *(key for key in theirs if key not in ours)]
        pairs = [(f"{path}.{key}", ours.get(key), theirs.get(key)) for key in keys]
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)) and len(ours) == len(theirs):
        pairs = [(f"{path}[{i}]", *pair) for i, pair in enumerate(zip(ours, theirs))]
    else:
        return [(path, ours, theirs)]
    return [found for at, a, b in pairs if a != b for found in places(a, b, at)][:10]


def comparable(side, answer, ignore, status_only):
    if status_only:
        return answer.get("error_code") if isinstance(answer, dict) else None
    answer = normal(side, answer)
    if isinstance(answer, dict):
        answer = {k: v for k, v in answer.items() if k not in ignore}
        if isinstance(answer.get("message"), str):
            answer["message"] = sets_sorted(answer["message"])
    return answer


def post(path, body, **kwargs):
    check("POST", f"/api/2.0/mlflow/{path}", body, **kwargs)


def get(path, params=None, **kwargs):
    check("GET", f"/api/2.0/mlflow/{path}", params=params, **kwargs)
