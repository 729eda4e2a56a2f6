"""A training script as a data scientist writes it: stock mlflow and scikit-learn, nothing of Millrace."""

import json
import math
import os
import sys
import tempfile

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient, MlflowException
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

random = np.random.RandomState(0)
X = pd.DataFrame(random.randn(200, 3), columns=["distance", "hour", "weekday"])
y = (X["distance"] > 0).astype(int)

experiment = mlflow.set_experiment("flights")
assert mlflow.set_experiment("flights").experiment_id == experiment.experiment_id

with mlflow.start_run(run_name="first", tags={"team": "ops"}) as run:
    mlflow.log_param("C", 1.0)
    mlflow.log_params({"solver": "lbfgs", "n": 200})
    mlflow.log_input(mlflow.data.from_pandas(X, name="january"), context="training")
    model = LogisticRegression().fit(X, y)
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"auc": 0.9, "odd": float("nan"), "huge": float("inf")})
    mlflow.set_tags({"note": "hello", "long": "x" * 9000})
    mlflow.log_dict({"depth": 3}, "config/settings.json")
    mlflow.log_text("grüße", "notes dir/ü.txt")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "big.bin"), "wb") as file:
            file.write(os.urandom(3_000_000))
        mlflow.log_artifacts(folder, "blobs")
    logged = mlflow.sklearn.log_model(
        model,
        name="late",
        signature=infer_signature(X, model.predict(X)),
        input_example=X.head(2),
        registered_model_name="flight-delay",
    )
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("auc", 0.5)
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.set_tag("resumed", "yes")
try:
    with mlflow.start_run(run_name="broken"):
        raise RuntimeError("on purpose")
except RuntimeError:
    pass

client = MlflowClient()
read = client.get_run(run.info.run_id)
assert read.info.status == "FINISHED" and read.info.end_time >= read.info.start_time
assert read.data.params == {"C": "1.0", "solver": "lbfgs", "n": "200"}
assert read.data.metrics["loss"] == 0.2 and math.isnan(read.data.metrics["odd"])
assert read.data.metrics["huge"] == sys.float_info.max
assert len(read.data.tags["long"]) == 8000 and read.data.tags["resumed"] == "yes"
assert [m.value for m in client.get_metric_history(run.info.run_id, "loss")] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
assert read.inputs.dataset_inputs[0].dataset.name == "january"
assert read.inputs.dataset_inputs[0].tags[0].value == "training"
assert read.outputs.model_outputs[0].model_id == logged.model_id
assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id

files = {f.path: f.file_size for f in client.list_artifacts(run.info.run_id, "blobs")}
assert files == {"blobs/big.bin": 3_000_000}, files
assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/config/settings.json") == {"depth": 3}
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes dir/ü.txt") == "grüße"

version = client.get_model_version("flight-delay", "1")
assert version.status == "READY" and version.run_id == run.info.run_id, version
client.set_registered_model_alias("flight-delay", "candidate", "1")
for uri in [logged.model_uri, "models:/flight-delay@candidate", "models:/flight-delay/1", "models:/flight-delay/latest"]:
    assert (mlflow.sklearn.load_model(uri).predict(X) == model.predict(X)).all(), uri
pyfunc = mlflow.pyfunc.load_model("models:/flight-delay/1")
assert (pyfunc.predict(X) == model.predict(X)).all()
assert pyfunc.metadata.signature.inputs.input_names() == ["distance", "hour", "weekday"]
again = mlflow.register_model(logged.model_uri, "flight-delay", tags={"again": "yes"})
assert int(again.version) == 2

found = mlflow.search_runs(
    experiment_names=["flights"],
    filter_string="metrics.auc > 0.6 and params.solver = 'lbfgs' and tags.team LIKE 'op%'",
    order_by=["metrics.auc DESC"],
)
assert list(found["run_id"]) == [run.info.run_id], found
everything = mlflow.search_runs(experiment_names=["flights"], order_by=["start_time ASC"])
assert list(everything["tags.mlflow.runName"]) == ["first", "child", "broken"], everything
assert list(everything["status"]) == ["FINISHED", "FINISHED", "FAILED"]
assert mlflow.search_logged_models(filter_string="name = 'late'", output_format="list")[0].model_id == logged.model_id
pages, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], max_results=2, page_token=token)
    pages.append(len(page))
    token = page.token
    if not token:
        break
assert pages == [2, 1], pages

for attempt, expected in [
    (lambda: client.log_param(run.info.run_id, "C", 2), "Changing param values is not allowed"),
    (lambda: client.get_run("0" * 32), "not found"),
    (lambda: client.search_runs([experiment.experiment_id], "metrics.auc > 'a'"), "Expected numeric value type"),
    (lambda: client.get_model_version_by_alias("flight-delay", "none"), "alias none not found"),
    (lambda: client.create_registered_model("flight-delay"), "already exists"),
]:
    try:
        attempt()
    except MlflowException as error:
        assert expected in error.message, error.message
    else:
        raise AssertionError(f"no error: {expected}")

print(json.dumps({"run": run.info.run_id, "model": logged.model_id, "experiment": experiment.experiment_id}))
