"""Fills a MLflow store or server with one of everything that an import brings, by the stock client (2.22 or 3.x).

usage: transfer_source.py <tracking uri> <artifact folder or ''> <points of the long metric>
"""

import sys

import sqlalchemy.pool

# MLflow 2.22 names a class that newer SQLAlchemy no longer has; it is used for other databases only.
if not hasattr(sqlalchemy.pool, "FallbackAsyncAdaptedQueuePool"):
    sqlalchemy.pool.FallbackAsyncAdaptedQueuePool = sqlalchemy.pool.AsyncAdaptedQueuePool

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

uri, artifacts, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)
client = MlflowClient()
is_three = mlflow.__version__.startswith("3")
place = {"artifact_location": artifacts} if artifacts else {}

flights = client.create_experiment("flights", tags={"team": "ops", "note": "größer"}, **place)
gone = client.create_experiment("gone for now", **place)
empty = client.create_experiment("empty", **place)

with mlflow.start_run(experiment_id=flights, run_name="parent") as run:
    mlflow.log_params({"model": "lgbm", "long": "x" * 5999, "empty": ""})
    for step, value in enumerate([1.0, 0.5, float("nan"), float("inf"), float("-inf"), -0.0]):
        mlflow.log_metric("loss", value, step=step)
    mlflow.log_metric("loss", 0.25, step=-3)
    mlflow.set_tag("text", "line 1\nline 2 'quoted' \"twice\" \U0001f680")
    data = mlflow.data.from_dict({"x": [1, 2]}, name="train") if hasattr(mlflow.data, "from_dict") else None
    try:
        import pandas

        frame = pandas.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="rows"), context="training")
    except ImportError:
        pass
    mlflow.log_text("hello", "notes/read me.txt")
    mlflow.log_text("", "empty.txt")
    mlflow.log_text("odd", "odd/ä + 100%.txt")
    with mlflow.start_run(experiment_id=flights, run_name="child", nested=True):
        mlflow.log_metric("auc", 0.7)

def predict(model_input):
    return [len(model_input)]

with mlflow.start_run(experiment_id=flights, run_name="model") as run:
    named = {"name": "model"} if is_three else {"artifact_path": "model"}
    info = mlflow.pyfunc.log_model(
        **named, python_model=predict, pip_requirements=["mlflow"], registered_model_name="delay"
    )
    if is_three:
        mlflow.log_metric("accuracy", 0.9, step=1, model_id=info.model_id)

long = client.create_run(flights, run_name="long")
for start in range(0, points, 1000):
    client.log_batch(
        long.info.run_id,
        metrics=[Metric("long", i / 7, 1_700_000_000_000 + i, i) for i in range(start, min(points, start + 1000))],
    )
client.set_terminated(long.info.run_id)
# The same point twice, and two points of one step.
again = client.create_run(flights, start_time=5)
client.log_batch(
    again.info.run_id,
    metrics=[Metric("m", 1.0, 7, 0), Metric("m", 1.0, 7, 0), Metric("m", 2.0, 7, 0), Metric("m", 1.0, 6, 0)],
    params=[Param("p", "v")],
    tags=[RunTag("t", "1")],
)
deleted = client.create_run(flights, run_name="deleted")
client.log_metric(deleted.info.run_id, "m", 3.0)
client.delete_run(deleted.info.run_id)
other = client.create_run(gone, run_name="in a deleted experiment")
client.log_param(other.info.run_id, "p", "1")
client.delete_experiment(gone)
for i in range(4):
    each = client.create_run(flights, run_name=f"many {i}", start_time=1000 + i)
    client.log_batch(each.info.run_id, metrics=[Metric("k", float(i), i, 0)], params=[Param("i", str(i))])
    client.set_terminated(each.info.run_id, "FAILED" if i % 2 else "FINISHED", end_time=2000 + i)

for _ in range(3):
    of = {"model_id": info.model_id} if is_three else {}
    source = info.model_uri if is_three else f"{run.info.artifact_uri}/model"
    client.create_model_version("delay", source, run.info.run_id, **of)
client.delete_model_version("delay", 2)
client.delete_model_version("delay", 4)
client.update_registered_model("delay", "how late a flight will be")
client.update_model_version("delay", 1, "the first")
client.set_registered_model_tag("delay", "owner", "ops")
client.set_model_version_tag("delay", "1", "checked", "yes")
client.set_registered_model_alias("delay", "champion", 1)
client.set_registered_model_alias("delay", "next", 3)
client.transition_model_version_stage("delay", 3, "Staging")
client.create_registered_model("without versions")
if is_three:
    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
print(run.info.run_id)
