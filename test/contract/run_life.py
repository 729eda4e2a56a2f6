"""
How runs and experiments come and go, seen by MLflow's own client.

Usage: MLFLOW_TRACKING_URI=<url of a server with a short runLostAfter> python run_life.py
"""

import json
import os
import time
import urllib.request

import mlflow
from mlflow.exceptions import MlflowException

URL = os.environ["MLFLOW_TRACKING_URI"]
client = mlflow.MlflowClient()


def api(method, path, body=None):
    request = urllib.request.Request(URL + "/api/v1" + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def until(what, is_true):
    for _ in range(200):
        if is_true():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def code(call):
    try:
        call()
    except MlflowException as error:
        return error.error_code
    raise AssertionError("not refused")


# A script that dies says nothing.
experiment = client.create_experiment("life")
run = client.create_run(experiment, run_name="dies")
client.log_metric(run.info.run_id, "loss", 1.0)
ours = f"/runs/{run.info.run_id}"
until("lost", lambda: api("GET", ours)["status"] == "LOST")
assert client.get_run(run.info.run_id).info.status == "FAILED"
assert [r.info.run_id for r in client.search_runs([experiment], "status = 'FAILED'")] == [run.info.run_id]
assert len(client.search_runs([experiment], "status = 'RUNNING'")) == 0
assert len(mlflow.search_runs([experiment], filter_string="attributes.status = 'FAILED'")) == 1


def runs_again():
    client.log_metric(run.info.run_id, "loss", 0.5, step=1)
    return api("GET", ours)["status"] == client.get_run(run.info.run_id).info.status == "RUNNING"


# It was only slow.
until("running again", runs_again)
client.set_terminated(run.info.run_id)
assert client.get_run(run.info.run_id).info.status == "FINISHED"

# Names: by MLflow's routes they stay taken.
client.delete_experiment(experiment)
assert code(lambda: client.create_experiment("life")) == "RESOURCE_ALREADY_EXISTS"
assert code(lambda: mlflow.set_experiment("life")) == "INVALID_PARAMETER_VALUE"
client.restore_experiment(experiment)
# By ours they are free.
api("DELETE", f"/experiments/{experiment}")
assert client.get_experiment(experiment).lifecycle_stage == "deleted"
second = client.create_experiment("life")
assert client.get_experiment_by_name("life").experiment_id == second
assert mlflow.set_experiment("life").experiment_id == second
assert code(lambda: client.restore_experiment(experiment)) == "RESOURCE_ALREADY_EXISTS"
api("POST", f"/experiments/{experiment}/restore", {"name": "life of before"})
assert client.get_experiment_by_name("life of before").experiment_id == experiment
assert client.get_run(run.info.run_id).data.metrics == {"loss": 0.5}

# Many at once, and back.
for i in range(5):
    one = client.create_run(second)
    client.log_param(one.info.run_id, "depth", i)
answer = api("POST", "/runs/delete", {"experimentId": second, "filter": "params.depth in ('0', '1') or params.depth = '4'"})
assert answer == {"deleted": 3}, answer
assert len(client.search_runs([second])) == 2
[gone, *_] = client.search_runs([second], run_view_type=mlflow.entities.ViewType.DELETED_ONLY)
client.restore_run(gone.info.run_id)
assert len(client.search_runs([second])) == 3

# For good.
keep, lose = client.create_run(second), client.create_run(second)
for one in (keep, lose):
    client.log_text(one.info.run_id, f"text of {one.info.run_id}", "notes/a.txt")
client.create_registered_model("kept")
client.create_model_version("kept", f"runs:/{keep.info.run_id}/notes", run_id=keep.info.run_id)
for one in (keep, lose):
    client.delete_run(one.info.run_id)
started = api("POST", "/purges", {"olderThan": "0"})
until("purged", lambda: api("GET", f"/step-runs/{started['stepRunId']}")["status"] == "succeeded")
counts = api("GET", f"/step-runs/{started['stepRunId']}")["outputs"]
assert (counts["runs"], counts["files"], counts["kept"]) == (3, 1, 1), counts
assert code(lambda: client.get_run(lose.info.run_id)) == "RESOURCE_DOES_NOT_EXIST"
client.restore_run(keep.info.run_id)
assert mlflow.artifacts.load_text(f"runs:/{keep.info.run_id}/notes/a.txt") == f"text of {keep.info.run_id}"
print("as expected")
