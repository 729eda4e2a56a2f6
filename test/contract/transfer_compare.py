"""Compares two MLflow stores by the stock client: what scripts see must be equal. Then loads a model from the second.

usage: transfer_compare.py <source uri> <target uri>
"""

import sys

import sqlalchemy.pool

# MLflow 2.22 names a class that newer SQLAlchemy no longer has; it is used for other databases only.
if not hasattr(sqlalchemy.pool, "FallbackAsyncAdaptedQueuePool"):
    sqlalchemy.pool.FallbackAsyncAdaptedQueuePool = sqlalchemy.pool.AsyncAdaptedQueuePool

import mlflow
import pandas
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

source_uri, target_uri = sys.argv[1:3]


def version_of(version):
    kept = ("current_stage", "run_id", "status", "tags", "creation_timestamp", "last_updated_timestamp")
    # Without a server between, the client gives the number as a number, and no description as None.
    plain = {"version": str(version.version), "description": version.description or ""}
    return plain | {name: getattr(version, name) for name in kept}


def seen(uri):
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri)
    experiments = sorted(client.search_experiments(view_type=ViewType.ALL), key=lambda e: int(e.experiment_id))
    facts = [
        (e.experiment_id, e.name, e.lifecycle_stage, e.creation_time, e.last_update_time, e.tags)
        for e in experiments
        # The experiment that every store makes for itself has its own time where it was never used.
        if e.experiment_id != "0"
    ]
    ids = [e.experiment_id for e in experiments]
    runs = mlflow.search_runs(ids, run_view_type=ViewType.ALL, max_results=10_000)
    runs = runs.drop(columns=["artifact_uri"]).sort_index(axis=1)
    histories, files, inputs = {}, {}, {}
    for run in client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000):
        for key in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, key)
            histories[run.info.run_id, key] = [(p.timestamp, p.step, repr(p.value)) for p in points]
        if run.info.lifecycle_stage == "active":
            files[run.info.run_id] = tree(client, run.info.run_id, None)
        inputs[run.info.run_id] = [
            (i.dataset.name, i.dataset.digest, i.dataset.source, i.dataset.schema, [(t.key, t.value) for t in i.tags])
            for i in run.inputs.dataset_inputs
        ]
    models = {
        m.name: (
            *(m.description or "", m.tags, {k: str(v) for k, v in m.aliases.items()}, m.creation_timestamp),
            [version_of(v) for v in sorted(client.search_model_versions(f"name='{m.name}'"), key=lambda v: int(v.version))],
        )
        for m in client.search_registered_models()
    }
    return facts, runs, histories, files, inputs, models


def tree(client, run_id, path):
    found = []
    for entry in client.list_artifacts(run_id, path):
        found += tree(client, run_id, entry.path) if entry.is_dir else [(entry.path, entry.file_size or 0)]
    return sorted(found)


theirs, ours = seen(source_uri), seen(target_uri)
for name, a, b in zip(("experiments", "runs", "histories", "files", "inputs", "models"), theirs, ours, strict=True):
    if isinstance(a, pandas.DataFrame):
        pandas.testing.assert_frame_equal(a, b)
    else:
        assert a == b, f"{name} differ:\n{a}\n{b}"
assert mlflow.pyfunc.load_model("models:/delay@champion").predict([1, 2, 3]) == [3]
print(f"{len(ours[1])} runs equal")
