"""
Webhooks as MLflow's client makes them and MLflow's server answers and tells them.

Usage: python test/contract/webhooks <url of millrace, where private addresses are allowed> <scratch directory> <url of
a millrace where they are not>

Compares answers and deliveries with those of MLflow's own server code, checks signatures with MLflow's own function,
and drives webhooks with MlflowClient. Prints each difference, then the counts; exits with 1 when there is one.
"""

import json
import os
import pathlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

url, scratch, strict_url = sys.argv[1:4]
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "differential"))
os.environ["MLFLOW_WEBHOOK_ALLOWED_SCHEMES"] = "https,http"
os.environ["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"] = "true"

from cryptography.fernet import Fernet  # noqa: E402

os.environ["MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"] = Fernet.generate_key().decode()

import compare  # noqa: E402
from compare import check, counts, get, post, sides  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities.webhook import VALID_ENTITY_ACTIONS, WebhookEvent, WebhookStatus  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.webhooks.delivery import _generate_hmac_signature  # noqa: E402

SECRET = "quiet ☂"
deliveries = {"millrace": [], "mlflow": []}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        deliveries[self.server.of].append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def receiver(of):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.of = of
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/hook"


def difference(what, ours, theirs):
    counts["compared"] += 1
    if ours != theirs:
        counts["differences"] += 1
        print(f"{what}: millrace {ours}, mlflow {theirs}", flush=True)


def event(entity, action):
    return {"entity": entity.upper(), "action": action.upper()}


EVENTS = [event(entity.value, action.value) for entity, actions in VALID_ENTITY_ACTIONS.items() for action in sorted(actions)]
hook = {"name": "w", "url": "https://hooks.example/", "events": EVENTS[:2]}
ID = {"keep": {"hook": ("webhook", "webhook_id")}}

# Answers
post("webhooks", hook, **ID)
get("webhooks/$hook")
get("webhooks/nope")
post("webhooks", {**hook, "name": "w2", "description": "two", "secret": SECRET, "status": "DISABLED"}, keep={"second": ("webhook", "webhook_id")})
get("webhooks/$second")
for body in [
    {}, {**hook, "name": ""}, {**hook, "name": "-x"}, {**hook, "name": "x" * 64}, {**hook, "name": "a b"},
    {**hook, "url": ""}, {**hook, "url": "  "}, {**hook, "url": "ftp://x.example"}, {**hook, "url": "http://[invalid"}, {**hook, "url": "hooks.example"},
    {**hook, "url": "https://"}, {**hook, "url": "https:///path"}, {**hook, "events": []}, {"name": "w", "url": hook["url"]},
    {**hook, "events": [event("model_version_tag", "created")]}, {**hook, "events": [event("registered_model", "exceeded")]},
    {**hook, "events": [event("prompt_alias", "set")]}, {**hook, "name": 7}, {**hook, "url": 7}, {**hook, "description": 7}, {**hook, "secret": 7},
    {**hook, "events": "x"},
]:
    post("webhooks", body)
for i, change in enumerate([{"name": "x" * 63}, {"name": "w.all", "events": EVENTS}]):
    post("webhooks", {**hook, **change}, keep={f"longest{i}": ("webhook", "webhook_id")})
check("PATCH", "/api/2.0/mlflow/webhooks/$hook", {"name": "renamed"})
check("PATCH", "/api/2.0/mlflow/webhooks/$hook", {"name": "", "url": "", "events": []})
check("PATCH", "/api/2.0/mlflow/webhooks/$hook", {"description": "d", "status": "DISABLED", "events": EVENTS[3:5], "secret": "x"})
check("PATCH", "/api/2.0/mlflow/webhooks/$hook", {"description": "", "status": "ACTIVE"})
check("PATCH", "/api/2.0/mlflow/webhooks/$hook", {})
for body in [{"name": "a/b"}, {"url": " "}, {"url": "gopher://x"}, {"events": [event("prompt", "deleted")]}, {"name": 3}]:
    check("PATCH", "/api/2.0/mlflow/webhooks/$hook", body)
check("PATCH", "/api/2.0/mlflow/webhooks/nope", {"name": "x"})
for params in [{"max_results": "1001"}, {"max_results": "-1"}, {"max_results": "x"}, {"page_token": "bad!"}]:
    get("webhooks", params)
check("DELETE", "/api/2.0/mlflow/webhooks/$second", {})
check("DELETE", "/api/2.0/mlflow/webhooks/$second", {})
get("webhooks/$second")
check("POST", "/api/2.0/mlflow/webhooks/nope/test", {})
check("POST", "/ajax-api/2.0/mlflow/webhooks", {**hook, "name": "by.ajax"}, keep={"ajax": ("webhook", "webhook_id")})
check("GET", "/ajax-api/2.0/mlflow/webhooks/$hook")

# Addresses that a server refuses which allows none on private networks.
sides[0].server, allowing = compare.Millrace(), sides[0].server
compare.url = strict_url
os.environ["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"] = "false"
os.environ["MLFLOW_WEBHOOK_ALLOWED_SCHEMES"] = "https"
for address in [
    "http://hooks.example/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1:8443/x",
    "https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://user:pw@192.168.0.1/", "https://0.0.0.0/",
    "https://[fe80::1]/", "https://[fc00::1]/", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://LOCALHOST/",
]:
    post("webhooks", {**hook, "url": address})
compare.url, sides[0].server = url, allowing
os.environ["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"] = "true"
os.environ["MLFLOW_WEBHOOK_ALLOWED_SCHEMES"] = "https,http"

# Deliveries: both servers tell their own receiver of the same changes. Nobody answers at the others' addresses, which
# would hold up MLflow's few threads.
for side in sides:
    for webhook in side.call("GET", "/api/2.0/mlflow/webhooks", None, None, None, None)[1]["webhooks"]:
        side.call("DELETE", f"/api/2.0/mlflow/webhooks/{webhook['webhook_id']}", {}, None, None, None)
names = ("millrace", "mlflow")
for side, name in zip(sides, names):
    side.ids["receiver"] = receiver(name)
post("webhooks", {"name": "told", "url": "$receiver", "events": EVENTS, "secret": SECRET}, keep={"told": ("webhook", "webhook_id")})
for one in EVENTS:
    check("POST", "/api/2.0/mlflow/webhooks/$told/test", {"event": one})
check("POST", "/api/2.0/mlflow/webhooks/$told/test", {})
check("POST", "/api/2.0/mlflow/webhooks/$told/test", {"event": event("prompt", "set")})
TESTED = len(EVENTS) + 1
PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "_mlflow_prompt_type", "value": "text"}]
TAG = {"key": "team", "value": "ops ☂"}
post("registered-models/create", {"name": "late", "tags": [TAG], "description": "d"})
post("registered-models/create", {"name": "bare"})
post("registered-models/create", {"name": "late"})
post("model-versions/create", {"name": "late", "source": "s3://b/m", "tags": [TAG], "description": "one"})
post("model-versions/create", {"name": "late", "source": "s3://b/m"})
post("model-versions/create", {"name": "late", "source": "models:/late/1"})
post("registered-models/set-tag", {"name": "late", **TAG})
check("DELETE", "/api/2.0/mlflow/registered-models/delete-tag", {"name": "late", "key": "team"})
post("model-versions/set-tag", {"name": "late", "version": "1", **TAG})
post("model-versions/set-tag", {"name": "late", "version": "1", **TAG})
check("DELETE", "/api/2.0/mlflow/model-versions/delete-tag", {"name": "late", "version": "1", "key": "team"})
post("model-versions/set-tag", {"name": "late", "version": "9", **TAG})
post("registered-models/alias", {"name": "late", "alias": "champion", "version": "1"})
post("registered-models/alias", {"name": "late", "alias": "champion", "version": "2"})
check("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": "late", "alias": "champion"})
post("model-versions/transition-stage", {"name": "late", "version": "1", "stage": "Production"})
post("registered-models/create", {"name": "hello", "tags": [*PROMPT, TAG]})
post("registered-models/set-tag", {"name": "hello", **TAG})
check("DELETE", "/api/2.0/mlflow/registered-models/delete-tag", {"name": "hello", "key": "team"})
text = {"key": "mlflow.prompt.text", "value": "Hello {{name}}!"}
post("model-versions/create", {"name": "hello", "source": "prompt-template", "tags": [*PROMPT, text, TAG]})
post("model-versions/set-tag", {"name": "hello", "version": "1", **TAG})
check("DELETE", "/api/2.0/mlflow/model-versions/delete-tag", {"name": "hello", "version": "1", "key": "team"})
post("registered-models/alias", {"name": "hello", "alias": "prod", "version": "1"})
check("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": "hello", "alias": "prod"})
post("registered-models/rename", {"name": "late", "new_name": "later"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "later"})

TOLD = 19
deadline = time.time() + 300
while min(map(len, deliveries.values())) < TESTED + TOLD and time.time() < deadline:
    time.sleep(0.05)


def told(name):
    """The payloads without their times, in any order."""
    bodies = [json.loads(body, parse_int=float) for _, body in deliveries[name]]
    return sorted(json.dumps({k: v for k, v in body.items() if k != "timestamp"}, sort_keys=True) for body in bodies)


difference("number of deliveries", len(deliveries["millrace"]), len(deliveries["mlflow"]))
difference("number of deliveries", len(deliveries["millrace"]), TESTED + TOLD)
for ours, theirs in zip(told("millrace"), told("mlflow")):
    difference("delivery", ours, theirs)
for name in names:
    ids = set()
    for headers, body in deliveries[name]:
        headers = {key.lower(): value for key, value in headers.items()}
        sent = headers["x-mlflow-delivery-id"], headers["x-mlflow-timestamp"], body
        difference(f"signature by {name}", headers["x-mlflow-signature"], _generate_hmac_signature(SECRET, *sent))
        difference(f"age of a delivery by {name}", abs(time.time() - int(sent[1])) < 900, True)
        difference(f"type of {name}", headers["content-type"], "application/json")
        difference(f"keys of {name}", list(json.loads(body)), ["entity", "action", "timestamp", "data"])
        ids.add(sent[0])
    difference(f"ids by {name}", len(ids), len(deliveries[name]))

# The client
client = MlflowClient(url, registry_uri=url)
made = client.create_webhook("client", "https://hooks.example/", [WebhookEvent.from_str("model_version.created")], secret="s", description="d")
assert (made.name, made.description, made.secret, made.status) == ("client", "d", None, WebhookStatus.ACTIVE), made
changed = client.update_webhook(made.webhook_id, name="client.2", status=WebhookStatus.DISABLED)
assert (changed.name, changed.url, changed.status) == ("client.2", made.url, WebhookStatus.DISABLED), changed
assert changed.last_updated_timestamp > made.last_updated_timestamp
assert client.get_webhook(made.webhook_id).name == "client.2"
with_token = client.update_webhook(made.webhook_id, url="https://hooks.example/services/T0AAAA/cccc9fXq")
assert with_token.url == "https://hooks.example/***9fXq", with_token
assert client.update_webhook(made.webhook_id, url=with_token.url).url == with_token.url
for i in range(3):
    client.create_webhook(f"page{i}", f"https://hooks.example/{i}", [WebhookEvent.from_str("prompt.created")])
page = client.list_webhooks(max_results=2)
rest = client.list_webhooks(max_results=2, page_token=page.token)
assert [w.name for w in [*page, *rest]] == ["page2", "page1", "page0", "client.2"], [*page, *rest]
result = client.test_webhook(sides[0].ids["told"], WebhookEvent.from_str("prompt_tag.set"))
assert (result.success, result.response_status) == (True, 204), result
client.delete_webhook(made.webhook_id)
try:
    client.get_webhook(made.webhook_id)
    raise AssertionError("a deleted webhook is there")
except MlflowException as error:
    assert f"Webhook with ID {made.webhook_id} not found" in str(error), error

print(", ".join(f"{count} {name}" for name, count in counts.items()))
sys.exit(min(counts["differences"], 1))
