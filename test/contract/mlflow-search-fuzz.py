"""
Sends the same random filters and orders to Millrace and to MLflow's own server code, and compares what they accept
and what they find.

Usage: mlflow-search-fuzz.py <millrace url> <scratch directory> <seed> <cases>
Prints each difference and a summary; exits with 1 when there is a difference.

Both answer with the same names in the same order, or both refuse. MLflow answers some bad filters with 500, because an
exception escapes its parser; Millrace refuses them with 400 (clients repeat a 500 for minutes). Both count as refused.
Other deliberate differences are listed in docs/search.md and are not generated here.
"""

import json
import os
import random
import re
import sys
import time

url, scratch, seed, cases = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["_MLFLOW_SERVER_REGISTRY_STORE"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = f"{scratch}/artifacts"
os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch}/mlflow.db"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "true"

import logging  # noqa: E402

import requests  # noqa: E402
from mlflow.server import app  # noqa: E402

# The exceptions that escape MLflow's parser are expected here.
logging.disable(logging.CRITICAL)
rng = random.Random(seed)


class Millrace:
    def __init__(self):
        self.session = requests.Session()

    def send(self, method, path, body=None, params=None):
        answer = self.session.request(method, url + path, json=body, params=params, timeout=120)
        return answer.status_code, answer.json()


class Mlflow:
    def __init__(self):
        self.client = app.test_client()

    def send(self, method, path, body=None, params=None):
        answer = self.client.open(path, method=method, json=body, query_string=params)
        text = answer.get_data(as_text=True)
        return answer.status_code, json.loads(text) if text.startswith("{") else {"message": text}


class Side:
    """A server with the data of the fuzz in it. Ids differ, so filters name them as $name."""

    def __init__(self, server):
        self.server = server
        self.ids = {}

    def fill(self, text):
        return re.sub(r"\$(\w+)\$", lambda m: self.ids.get(m.group(1), m.group(0)), text)

    def must(self, method, path, body):
        status, answer = self.server.send(method, f"/api/2.0/mlflow/{path}", body)
        if status != 200:
            raise SystemExit(f"{path} {body}: {status} {answer}")
        return answer


STATUSES = ["RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"]
PARAMS = ["lr", "model", "learning rate", "a.b", "x-y", "Depth"]
TAGS = ["team", "note", "my tag", "mlflow.custom", "k"]
METRICS = ["loss", "acc", "val loss", "m.min", "nan", "big"]
TEXTS = ["a", "A", "ab", "abc", "it", "100%", "a_b", "x'y", 'say "hi"', "", "ops", "0.1", "é"]
NUMBERS = [0, 1, -1, 0.5, 0.25, 1e-3, 1e6, -2.5, 3, 100]


def fill(side, data):
    for i, name in enumerate(["flights", "Flights", "fraud", "é xp"]):
        tags = [{"key": key, "value": data.choice(TEXTS)} for key in TAGS if data.random() < 0.6]
        answer = side.must("POST", "experiments/create", {"name": name, "tags": tags})
        side.ids[f"xp{i}"] = answer["experiment_id"]
    for i in range(24):
        body = {
            "experiment_id": side.ids[f"xp{i % 2}"],
            "user_id": data.choice(["ada", "Bob", ""]),
            "run_name": data.choice(["one", "two", "Two", f"run {i}"]),
            "start_time": 1_700_000_000_000 + i * 1000,
        }
        run = side.must("POST", "runs/create", body)["run"]["info"]["run_id"]
        side.ids[f"run{i}"] = run
        batch = {
            "run_id": run,
            "params": [{"key": k, "value": data.choice(TEXTS) or "z"} for k in PARAMS if data.random() < 0.6],
            "tags": [{"key": k, "value": data.choice(TEXTS)} for k in TAGS if data.random() < 0.6],
            "metrics": [
                {"key": k, "value": "NaN" if data.random() < 0.15 else data.choice(NUMBERS), "timestamp": step, "step": step}
                for k in METRICS
                if data.random() < 0.7
                for step in range(data.randint(1, 2))
            ],
        }
        side.must("POST", "runs/log-batch", batch)
        status = data.choice(STATUSES)
        end = {"end_time": 1_700_000_100_000 + i} if status in ("FINISHED", "FAILED", "KILLED") else {}
        side.must("POST", "runs/update", {"run_id": run, "status": status, **end})
        if data.random() < 0.5:
            dataset = {"name": data.choice(["d1", "D2"]), "digest": data.choice(["x1", "x2"]), "source_type": "local", "source": "s"}
            tags = [{"key": "mlflow.data.context", "value": data.choice(["train", "eval"])}]
            side.must("POST", "runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset, "tags": tags}]})
        if i % 3 == 0:
            model = {
                "experiment_id": side.ids[f"xp{i % 2}"],
                "name": data.choice(["clf", "reg", "Clf"]) + str(i),
                "model_type": data.choice(["Agent", "agent", ""]),
                "source_run_id": run,
                "params": [{"key": k, "value": data.choice(TEXTS) or "z"} for k in PARAMS if data.random() < 0.6],
                "tags": [{"key": k, "value": data.choice(TEXTS)} for k in TAGS if data.random() < 0.6],
            }
            made = side.must("POST", "logged-models", model)["model"]["info"]["model_id"]
            side.ids[f"model{i}"] = made
            for key in METRICS[:3]:
                if data.random() < 0.7:
                    metric = {"run_id": run, "key": key, "value": data.choice(NUMBERS), "timestamp": 5, "step": 0, "model_id": made}
                    side.must("POST", "runs/log-metric", metric)
            # Their order by creation must not depend on the clock's steps.
            time.sleep(0.003)
    for i, name in enumerate(["churn", "Churn", "fraud-v2", "price_1"]):
        tags = [{"key": key, "value": data.choice(TEXTS)} for key in TAGS if data.random() < 0.6]
        side.must("POST", "registered-models/create", {"name": name, "tags": tags})
        for version in range(data.randint(0, 3)):
            tags = [{"key": key, "value": data.choice(TEXTS)} for key in TAGS if data.random() < 0.6]
            body = {"name": name, "source": f"s3://b/{i}/{version}", "run_id": side.ids[f"run{i * 3 + version}"], "tags": tags}
            side.must("POST", "model-versions/create", body)
            time.sleep(0.003)
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "team", "value": "ops"}]
    side.must("POST", "registered-models/create", {"name": "prompt", "tags": prompt})
    side.must("POST", "model-versions/create", {"name": "prompt", "source": "dummy-source", "tags": prompt})


def quoted(text):
    return rng.choice(["'%s'", "'%s'", "'%s'", '"%s"']) % text


def a_text():
    if rng.random() < 0.25:
        return quoted(rng.choice(["%a%", "A%", "%", "_", "a_", "%b", "%1%"]))
    return quoted(rng.choice(TEXTS + ["$run1$", "$xp1$", "one", "two", "churn", "flights", "Agent", "clf0", "d1", "train"]))


def a_number():
    return rng.choice([str(n) for n in NUMBERS] + ["1.", ".5", "-.5", "1e3", "1E-2", "1700000005000", "9999999999999", "-0"])


def a_list():
    items = [a_text() for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.1:
        items.append(a_number())
    return "(" + ", ".join(items) + rng.choice(["", "", "", ","]) + ")"


def key(name):
    if re.fullmatch(r"\w+(\.\w+)*", name) and rng.random() < 0.7:
        return name
    return rng.choice(["`%s`", "`%s`", '"%s"', "%s"]) % name


ATTRIBUTES = {
    "runs": ["run_id", "run_name", "status", "start_time", "end_time", "user_id", "artifact_uri", "created", "`Run name`", "id"],
    "experiments": ["name", "experiment_id", "creation_time", "last_update_time", "nope"],
    "models": ["name", "creation_timestamp", "description"],
    "versions": ["name", "version_number", "run_id", "source_path", "status"],
    "logged": ["name", "model_id", "model_type", "source_run_id", "creation_time", "creation_timestamp", "attributes.name", "nope"],
}
WORDS = {
    "runs": ["metrics", "metric", "params", "param", "parameters", "tags", "tag", "dataset", "datasets", "attributes", "attr", "run", "foo", "`metrics`"],
    "experiments": ["tags", "tag", "attribute", "attributes", "metrics"],
    "models": ["tags", "tag", "tags", "tag", "attribute", "params"],
    "versions": ["tags", "tag", "tags", "tag", "attribute", "params"],
    "logged": ["metrics", "params", "tags", "metrics", "params", "tags", "attributes", "tag", "metric"],
}
USUAL = {
    "runs": ["metrics", "metric", "params", "param", "parameters", "tags", "tag", "dataset"],
    "experiments": ["tags", "tag"],
    "models": ["tags", "tag"],
    "versions": ["tags", "tag"],
    "logged": ["metrics", "params", "tags"],
}
WRONG = {"id", "nope", "creation_timestamp", "description", "status", "attributes.name"}
OPERATORS = ["=", "=", "!=", "LIKE", "ILIKE", "like", "iLike", ">", ">=", "<", "<=", "==", "<>", "RLIKE", "NOT LIKE", "IN", "NOT IN", "in", "IS NULL", "IS NOT NULL", "is null"]


def operand(kind):
    """A field, and what it is compared with: number, text, or either for a wrong one."""
    if rng.random() < 0.4:
        name = rng.choice([n for n in ATTRIBUTES[kind] if rng.random() < 0.15 or n not in WRONG or kind == "runs" and n == "status"] or ["name"])
        prefix = rng.choice(["attributes.", "attribute.", "run."]) if rng.random() < 0.1 and "." not in name else ""
        numeric = "time" in name or "number" in name or name == "created"
        return prefix + name, "number" if numeric else "text"
    word = rng.choice(WORDS[kind] if rng.random() < 0.1 else USUAL[kind])
    if word.strip("`").startswith("metric"):
        return f"{word}.{key(rng.choice(METRICS))}", "number"
    if word.startswith("dataset"):
        return f"{word}.{rng.choice(['name', 'digest', 'context', 'source'])}", "text"
    if word.startswith(("param", "tag")):
        names = TAGS + ["mlflow.prompt.is_prompt"] if word.startswith("tag") and kind in ("models", "versions") else TAGS if word.startswith("tag") else PARAMS
        return f"{word}.{key(rng.choice(names))}", "text"
    return f"{word}.{rng.choice(ATTRIBUTES[kind])}", "text"


def comparison(kind):
    left, wanted = operand(kind)
    if rng.random() < 0.93:
        lists = ["IN", "NOT IN"] if left in ("run_id", "name", "experiment_id") or left.startswith("dataset") or rng.random() < 0.1 else []
        nulls = ["IS NULL", "IS NOT NULL"] if left.startswith(("tag", "param")) or rng.random() < 0.1 else []
        pool = ["=", "!=", ">", ">=", "<", "<="] if wanted == "number" else ["=", "!=", "LIKE", "ILIKE", "like", *lists, *nulls]
    else:
        pool = OPERATORS
    operator = rng.choice(pool)
    if operator.upper().startswith("IS "):
        return f"{left} {operator}"
    if operator.upper().endswith("IN"):
        right = a_list() if rng.random() < 0.9 else a_text()
    elif rng.random() < 0.96:
        right = a_number() if wanted == "number" else a_text()
    else:
        right = rng.choice([a_number(), a_text(), a_list(), "foo", "NULL", "true", "()", "nan"])
    if "prompt" in left and rng.random() < 0.8:
        right = quoted(rng.choice(["true", "false"]))
    if "LIKE" in operator.upper() and re.search("run_id|model_id|artifact_uri", left):
        # Ids are random: a pattern may fit the one of one side only.
        right = quoted(rng.choice(["%", "$run1$", "nothing%"]))
    gap = rng.choice([" ", " ", " ", "", "  "]) if re.match(r"[<>=!]", operator) else " "
    return f"{left}{gap}{operator}{gap}{right}"


def mutated(text):
    at = rng.randint(0, len(text))
    change = rng.random()
    if change < 0.35 and text:
        return text[:at] + text[at + 1 :]
    if change < 0.75:
        piece = rng.choice(list("'\"`().,;=<>!-+*/ ab1%") + [" AND ", " OR ", "NOT ", " desc", "--", "\n", "é", "::", "[0]", " as "])
        return text[:at] + piece + text[at:]
    return text[:at]


def a_filter(kind):
    if rng.random() < 0.02:
        return rng.choice(["", " ", "AND", "''", "name", ";"])
    joints = [" AND ", " AND ", " AND ", " and ", "  And\n"] if rng.random() < 0.95 else [" OR ", " ", ", ", " AND AND ", " AND NOT ", "; "]
    text = comparison(kind)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        text += rng.choice(joints) + comparison(kind)
    if rng.random() < 0.03:
        text = f"({text})"
    return mutated(text) if rng.random() < 0.15 else text


def an_order(kind):
    if kind == "runs" and rng.random() < 0.6:
        word, names = rng.choice([("metrics", METRICS), ("params", PARAMS), ("tags", TAGS), ("metric", METRICS), ("metrics", METRICS), ("params", PARAMS), ("tag", TAGS), ("dataset", ["name"])])
        name = f"{word}.{key(rng.choice(names))}"
    else:
        names = {
            "runs": ["start_time", "end_time", "status", "run_name", "user_id", "created"],
            "experiments": ["name", "creation_time", "experiment_id"],
            "models": ["name", "timestamp", "last_updated_timestamp"],
            "versions": ["name", "version_number", "creation_timestamp", "last_updated_timestamp", "tags.name"],
        }
        wrong = ["creation_timestamp", "creation_time", "tags.team", "run_id"]
        pool = wrong if rng.random() < 0.05 else names[kind]
        name = (rng.choice(["attributes.", "attribute."]) if rng.random() < 0.1 else "") + rng.choice(pool)
    text = name + rng.choice(["", "", " ASC", " DESC", " desc", " asc", "  DESC"] if rng.random() < 0.95 else [" up", " DESC NULLS LAST"])
    return mutated(text) if rng.random() < 0.06 else text


def request(kind):
    """Method, path, body or query of a search, and where its names are in the answer."""
    wanted = {} if rng.random() < 0.1 else {"filter": a_filter(kind)}
    how_many = range(rng.choice([0, 0, 1, 1, 2]))
    if kind != "logged":
        orders = [an_order(kind) for _ in how_many]
    else:
        orders = [
            {"field_name": rng.choice(["name", "creation_timestamp", "creation_time", "metrics.loss", "metrics.acc", "model_type"] if rng.random() < 0.95 else ["params.lr", "nope"]), "ascending": rng.random() < 0.5}
            for _ in how_many
        ]
    if orders:
        wanted["order_by"] = orders
    if kind == "runs":
        return "POST", "runs/search", {"experiment_ids": ["$xp0$", "$xp1$"][: rng.randint(1, 2)], **wanted}, "runs"
    if kind == "experiments":
        return "POST", "experiments/search", {"max_results": 100, **wanted}, "experiments"
    if kind == "logged":
        return "POST", "logged-models/search", {"experiment_ids": ["$xp0$", "$xp1$"], **wanted}, "models"
    path = "registered-models/search" if kind == "models" else "model-versions/search"
    return "GET", path, wanted, "registered_models" if kind == "models" else "model_versions"


def names_of(side, what, items):
    """What was found, by names that are the same on both sides."""
    if what == "runs":
        by_id = {v: k for k, v in side.ids.items()}
        return [by_id.get(item["info"]["run_id"]) for item in items]
    if what == "models":
        return [item["info"]["name"] for item in items]
    return [f"{item['name']}/{item.get('version', '')}" for item in items]


def with_ids(side, value):
    if isinstance(value, str):
        return side.fill(value)
    if isinstance(value, list):
        return [with_ids(side, item) for item in value]
    return {k: with_ids(side, v) for k, v in value.items()} if isinstance(value, dict) else value


def ask(side, method, path, wanted, what):
    wanted = with_ids(side, wanted)
    body, params = (wanted, None) if method == "POST" else (None, wanted)
    status, answer = side.server.send(method, f"/api/2.0/mlflow/{path}", body, params)
    if status == 200:
        return "found", names_of(side, what, answer.get(what, [])), ""
    message = answer.get("message", "") if status < 500 else f"{status}"
    for name, id_ in side.ids.items():
        message = message.replace(id_, f"${name}$") if len(id_) > 8 else message
    return ("failed" if side.server.__class__ is Millrace and status >= 500 else "refused"), None, message


def sets_sorted(text):
    return re.sub(r"\{([^{}]*)\}", lambda m: "{" + ", ".join(sorted(m.group(1).split(", "))) + "}", text)


sides = [Side(Millrace()), Side(Mlflow())]
for side in sides:
    fill(side, random.Random(7))

kinds = ["runs", "runs", "runs", "experiments", "models", "versions", "logged"]
differences, refused, other_words = 0, 0, 0
for case in range(cases):
    kind = rng.choice(kinds)
    method, path, wanted, what = request(kind)
    ours, theirs = (ask(side, method, path, wanted, what) for side in sides)
    refused += theirs[0] == "refused"
    if ours[:2] != theirs[:2]:
        differences += 1
        print(f"{path} {json.dumps(wanted)}\n  millrace {ours}\n  mlflow   {theirs}", flush=True)
    elif sets_sorted(ours[2]) != sets_sorted(theirs[2]) and not theirs[2].startswith("500"):
        other_words += 1
        if os.environ.get("FUZZ_SHOW_WORDS"):
            print(f"{path} {json.dumps(wanted)}\n  ours   {ours[2]}\n  theirs {theirs[2]}", flush=True)
print(f"seed {seed}: {cases} searches, {refused} refused by MLflow, {differences} differences, {other_words} other messages")
sys.exit(min(differences, 1))
