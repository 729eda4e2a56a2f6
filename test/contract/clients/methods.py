"""
The whole of MlflowClient, method by method, and what scripts log with the fluent API. Runs with MLflow 2 and 3:
`python methods.py`, with MLFLOW_TRACKING_URI naming the server.
"""

import json
import math
import os
import sys
import tempfile
import time

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient, MlflowException
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

IS_3 = int(mlflow.__version__.split(".")[0]) >= 3
SUFFIX = "3" if IS_3 else "2"
client = MlflowClient()


def refused(expected, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except MlflowException as error:
        assert expected in error.message, error.message
        return error
    raise AssertionError(f"no error: {expected}")


def experiments():
    name = f"methods {SUFFIX}"
    id_ = client.create_experiment(name, tags={"team": "ops"})
    assert refused("already exists", client.create_experiment, name).error_code == "RESOURCE_ALREADY_EXISTS"
    assert client.get_experiment(id_).name == client.get_experiment_by_name(name).name == name
    assert client.get_experiment_by_name("never made") is None
    refused("No Experiment with id=987654", client.get_experiment, "987654")
    client.set_experiment_tag(id_, "stage", "first")
    assert client.get_experiment(id_).tags == {"team": "ops", "stage": "first"}
    if hasattr(client, "delete_experiment_tag"):
        client.delete_experiment_tag(id_, "stage")
        assert client.get_experiment(id_).tags == {"team": "ops"}
    client.rename_experiment(id_, name + " renamed")
    client.rename_experiment(id_, name)
    other = client.create_experiment(name + " other", artifact_location="mlflow-artifacts:/elsewhere" + SUFFIX)
    assert client.get_experiment(other).artifact_location == "mlflow-artifacts:/elsewhere" + SUFFIX
    client.delete_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "deleted"
    names = lambda **kwargs: [e.name for e in client.search_experiments(filter_string=f"name LIKE '{name}%'", **kwargs)]
    assert names() == [name] and names(view_type=ViewType.DELETED_ONLY) == [name + " other"]
    assert names(view_type=ViewType.ALL, order_by=["name DESC"]) == [name + " other", name]
    page = client.search_experiments(view_type=ViewType.ALL, max_results=1)
    assert page.token and len(client.search_experiments(view_type=ViewType.ALL, max_results=1, page_token=page.token)) == 1
    client.restore_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "active"
    return id_


def runs(experiment):
    run = client.create_run(experiment, start_time=1000, tags={"t": "1"}, run_name="first")
    id_ = run.info.run_id
    client.log_metric(id_, "loss", 0.5, timestamp=5, step=1)
    client.log_metric(id_, "loss", 0.25, timestamp=6, step=2)
    client.log_metric(id_, "nan", float("nan"))
    client.log_metric(id_, "inf", float("-inf"))
    client.log_param(id_, "lr", 0.1)
    client.log_param(id_, "lr", 0.1)
    refused("Changing param values is not allowed", client.log_param, id_, "lr", 0.2)
    client.set_tag(id_, "note", "hello")
    client.set_tag(id_, "gone", "x")
    client.delete_tag(id_, "gone")
    refused("No tag with name: gone", client.delete_tag, id_, "gone")
    metrics = [Metric(f"m{i % 3}", i, 10 + i, i) for i in range(2500)]
    for start in range(0, 2500, 1000):
        client.log_batch(id_, metrics=metrics[start : start + 1000])
    client.log_batch(id_, params=[Param("n", "1")], tags=[RunTag("b", "2")])
    with_dataset = [DatasetInput(Dataset("jan", "abc", "local", '{"uri": "x"}', "{}", "{}"), [InputTag("mlflow.data.context", "train")])]
    client.log_inputs(id_, with_dataset)
    client.update_run(id_, status="SCHEDULED", name="renamed")
    assert client.get_run(id_).info.run_name == "renamed" and client.get_run(id_).info.status == "SCHEDULED"
    client.set_terminated(id_, end_time=2000)
    read = client.get_run(id_)
    assert read.info.status == "FINISHED" and read.info.start_time == 1000 and read.info.end_time == 2000
    assert read.data.params == {"lr": "0.1", "n": "1"} and read.data.metrics["loss"] == 0.25 and read.data.metrics["m0"] == 2499
    assert math.isnan(read.data.metrics["nan"]) and read.data.metrics["inf"] == -sys.float_info.max
    assert {"t": "1", "b": "2", "note": "hello"}.items() <= read.data.tags.items() and "gone" not in read.data.tags
    assert [i.dataset.name for i in read.inputs.dataset_inputs] == ["jan"]
    history = client.get_metric_history(id_, "m1")
    assert [(m.value, m.step) for m in history] == [(i, i) for i in range(1, 2500, 3)]
    assert client.get_metric_history(id_, "never") == []
    child = client.create_run(experiment, tags={"mlflow.parentRunId": id_}).info.run_id
    assert client.get_parent_run(child).info.run_id == id_ and client.get_parent_run(id_) is None
    found = client.search_runs([experiment], "metrics.loss < 0.3 and params.lr = '0.1' and tags.note LIKE 'hel%'")
    assert [r.info.run_id for r in found] == [id_]
    assert client.search_runs([experiment], order_by=["metrics.loss ASC"], max_results=1)[0].info.run_id == id_
    client.delete_run(child)
    assert [r.info.run_id for r in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == [child]
    refused("must be in the 'active' state", client.log_metric, child, "x", 1)
    client.restore_run(child)
    client.set_terminated(child, status="KILLED")
    refused("not found", client.get_run, "f" * 32)
    refused("Invalid value", client.log_metric, id_, "../up", 1)
    return id_


def artifacts(run):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "one.txt")
        with open(path, "w") as file:
            file.write("one")
        os.makedirs(os.path.join(folder, "deep", "er"))
        with open(os.path.join(folder, "deep", "er", "two ü.bin"), "wb") as file:
            file.write(os.urandom(2_000_000))
        client.log_artifact(run, path)
        client.log_artifact(run, path, "in here")
        client.log_artifacts(run, folder, "all")
        got = client.download_artifacts(run, "all", folder)
        assert os.path.getsize(os.path.join(got, "deep", "er", "two ü.bin")) == 2_000_000
    client.log_text(run, "grüße", "texts/a.txt")
    client.log_dict(run, {"a": [1, 2]}, "dicts/a.json")
    client.log_dict(run, {"a": 1}, "dicts/a.yaml")
    client.log_image(run, np.zeros((8, 8, 3), dtype=np.uint8), "images/black.png")
    client.log_image(run, np.zeros((8, 8, 3), dtype=np.uint8), key="seen", step=3)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure()
    pyplot.plot([1, 2])
    client.log_figure(run, figure, "figures/line.png")
    table = {"inputs": ["a", "b"], "scores": [0.5, 0.25]}
    client.log_table(run, data=table, artifact_file="table.json")
    client.log_table(run, data=pd.DataFrame(table), artifact_file="table.json")
    read = client.load_table(client.get_run(run).info.experiment_id, artifact_file="table.json", run_ids=[run], extra_columns=["run_id"])
    assert len(read) == 4 and set(read["run_id"]) == {run}, read
    names = {f.path for f in client.list_artifacts(run)}
    assert {"one.txt", "in here", "all", "texts", "dicts", "images", "figures", "table.json"} <= names, names
    assert {f.path: f.file_size for f in client.list_artifacts(run, "all/deep/er")} == {"all/deep/er/two ü.bin": 2_000_000}
    assert client.list_artifacts(run, "nothing") == []
    uri = client.get_run(run).info.artifact_uri
    assert mlflow.artifacts.load_text(uri + "/texts/a.txt") == "grüße"
    assert mlflow.artifacts.load_dict(uri + "/dicts/a.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_image(uri + "/images/black.png").size == (8, 8)


def registry(run):
    name = f"model {SUFFIX}"
    model = client.create_registered_model(name, tags={"team": "ops"}, description="first")
    assert (model.name, model.description, model.tags) == (name, "first", {"team": "ops"})
    refused("already exists", client.create_registered_model, name)
    versions = [client.create_model_version(name, f"runs:/{run}/all", run_id=run, tags={"n": str(i)}, description=f"v{i}") for i in (1, 2, 3)]
    assert [int(v.version) for v in versions] == [1, 2, 3] and versions[0].status == "READY"
    assert client.get_model_version_download_uri(name, "1").endswith("/all")
    client.update_registered_model(name, "second")
    client.set_registered_model_tag(name, "k", "v")
    client.delete_registered_model_tag(name, "team")
    assert client.get_registered_model(name).tags == {"k": "v"} and client.get_registered_model(name).description == "second"
    client.update_model_version(name, "1", "new")
    client.set_model_version_tag(name, "1", "k", "v")
    client.delete_model_version_tag(name, "1", "n")
    version = client.get_model_version(name, "1")
    assert (version.description, version.tags, version.run_id) == ("new", {"k": "v"}, run)
    client.set_registered_model_alias(name, "champion", "2")
    assert int(client.get_model_version_by_alias(name, "champion").version) == 2
    assert client.get_registered_model(name).aliases == {"champion": "2"} or client.get_registered_model(name).aliases == {"champion": 2}
    client.delete_registered_model_alias(name, "champion")
    refused("not found", client.get_model_version_by_alias, name, "champion")
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    assert {v.current_stage: int(v.version) for v in client.get_latest_versions(name)} == {"Archived": 1, "Production": 2, "None": 3}
    assert client.get_model_version_stages(name, "1")
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == [name]
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])
    assert [int(v.version) for v in found] == [1, 2, 3]
    copied = client.copy_model_version(f"models:/{name}/2", name + " copy")
    assert int(copied.version) == 1 and copied.source == f"models:/{name}/2"
    client.delete_model_version(name, "3")
    refused("not found", client.get_model_version, name, "3")
    client.rename_registered_model(name + " copy", name + " moved")
    client.delete_registered_model(name + " moved")
    refused("not found", client.get_registered_model, name + " moved")


def fluent():
    mlflow.set_experiment(f"fluent {SUFFIX}")
    with mlflow.start_run(run_name="parent", description="what for", tags={"a": "b"}) as parent:
        mlflow.log_params({"p": 1, "q": "x" * 7000})
        mlflow.log_metrics({"acc": 0.5, "loss": 1.0}, step=0)
        mlflow.log_metric("acc", 0.75, step=1)
        frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="frame", targets="y"), context="training", tags={"k": "v"})
        mlflow.log_table({"q": ["a"], "a": ["b"]}, "eval.json")
        mlflow.log_text("text", "a.txt")
        mlflow.set_tags({"b": "c"})
        for i in range(2):
            with mlflow.start_run(nested=True, run_name=f"child {i}"):
                mlflow.log_metric("acc", i)
        assert mlflow.get_artifact_uri("a.txt").endswith("/artifacts/a.txt")
    assert mlflow.last_active_run().info.status == "FINISHED"
    table = mlflow.search_runs(order_by=["metrics.acc DESC"])
    assert list(table["tags.mlflow.runName"]) == ["child 1", "parent", "child 0"], table
    assert table["metrics.acc"].tolist() == [1.0, 0.75, 0.0] and len(table["params.q"].iloc[1]) == 6000
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list")
    assert {r.info.run_name for r in children} == {"child 0", "child 1"}
    assert mlflow.search_runs(filter_string="metrics.acc > 100").empty
    read = mlflow.get_run(parent.info.run_id)
    assert read.inputs.dataset_inputs[0].dataset.name == "frame" and read.data.tags["mlflow.note.content"] == "what for"
    if hasattr(mlflow, "get_parent_run"):
        assert mlflow.get_parent_run(children[0].info.run_id).info.run_id == parent.info.run_id
    with mlflow.start_run(run_id=parent.info.run_id):
        mlflow.log_metric("again", 1)
    mlflow.delete_run(children[0].info.run_id)
    mlflow.delete_experiment(mlflow.create_experiment(f"short {SUFFIX}"))


def asynchronously():
    mlflow.config.enable_async_logging()
    with mlflow.start_run() as run:
        for step in range(300):
            mlflow.log_metric("fast", step, step=step)
        mlflow.log_params({"later": "yes"})
        mlflow.set_tag("later", "yes")
        mlflow.log_metrics({"x": 1, "y": 2}, synchronous=False).wait()
    mlflow.flush_async_logging()
    mlflow.config.enable_async_logging(False)
    assert [m.step for m in client.get_metric_history(run.info.run_id, "fast")] == list(range(300))
    read = client.get_run(run.info.run_id)
    assert read.data.params["later"] == "yes" and read.data.tags["later"] == "yes" and read.data.metrics["y"] == 2


def system_metrics():
    """Host metrics as the client samples them; psutil is given a stand-in where it is not installed."""
    try:
        import psutil  # noqa: F401
    except ImportError:
        sys.modules["psutil"] = stand_in()
    mlflow.set_system_metrics_sampling_interval(0.05)
    mlflow.set_system_metrics_samples_before_logging(2)
    with mlflow.start_run(log_system_metrics=True) as run:
        for _ in range(200):
            if client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage"):
                break
            time.sleep(0.1)
    keys = set(client.get_run(run.info.run_id).data.metrics)
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= keys, keys


def stand_in():
    from importlib.machinery import ModuleSpec
    from types import SimpleNamespace as Of

    figures = Of(total=4e9, used=1e9, free=3e9, available=3e9, percent=25.0, bytes_sent=1, bytes_recv=1)
    return Of(
        __spec__=ModuleSpec("psutil", None),
        cpu_percent=lambda *_, **__: 5.0,
        virtual_memory=lambda: figures,
        disk_usage=lambda _: figures,
        net_io_counters=lambda *_, **__: figures,
    )


def models():
    from sklearn.linear_model import LogisticRegression

    X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    fitted = LogisticRegression().fit(X, [0, 0, 1, 1])
    mlflow.set_experiment(f"models {SUFFIX}")
    with mlflow.start_run() as run:
        where = {"name": "clf"} if IS_3 else {"artifact_path": "clf"}
        info = mlflow.sklearn.log_model(fitted, **where, registered_model_name=f"clf {SUFFIX}", input_example=X)
    assert (mlflow.sklearn.load_model(info.model_uri).predict(X) == fitted.predict(X)).all()
    assert (mlflow.pyfunc.load_model(f"models:/clf {SUFFIX}/1").predict(X) == fitted.predict(X)).all()
    assert (mlflow.pyfunc.load_model(f"models:/clf {SUFFIX}/latest").predict(X) == fitted.predict(X)).all()
    client.set_registered_model_alias(f"clf {SUFFIX}", "best", "1")
    assert mlflow.models.get_model_info(f"models:/clf {SUFFIX}@best").signature is not None
    again = mlflow.register_model(info.model_uri, f"clf {SUFFIX}")
    assert int(again.version) == 2
    if not IS_3:
        assert json.loads(client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"])[0]["artifact_path"] == "clf"
        return
    id_ = info.model_id
    model = client.get_logged_model(id_)
    assert model.status == "READY" and model.source_run_id == run.info.run_id
    told = {(v["name"], int(v["version"])) for v in json.loads(model.tags["mlflow.modelVersions"])}
    assert told == {("clf 3", 1), ("clf 3", 2)}, told
    client.set_logged_model_tags(id_, {"k": "v"})
    client.delete_logged_model_tag(id_, "k")
    mlflow.log_model_params({"depth": 3}, model_id=id_)
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.9, model_id=id_, dataset=mlflow.data.from_pandas(X, name="x"))
    assert client.get_logged_model(id_).params["depth"] == "3"
    assert [m.value for m in client.get_logged_model(id_).metrics] == [0.9]
    found = mlflow.search_logged_models(filter_string="metrics.auc > 0.5", order_by=[{"field_name": "metrics.auc", "ascending": False}], output_format="list")
    assert [m.model_id for m in found] == [id_]
    external = mlflow.create_external_model(name="elsewhere", params={"a": "b"})
    assert external.status == "READY" and external.tags["mlflow.model.isExternal"] == "true"
    made = client.create_logged_model(client.get_run(run.info.run_id).info.experiment_id, name="byhand")
    client.finalize_logged_model(made.model_id, "FAILED")
    assert client.get_logged_model(made.model_id).status == "FAILED"
    client.delete_logged_model(made.model_id)
    refused("not found", client.get_logged_model, made.model_id)


def prompts():
    name = "greeting"
    first = mlflow.genai.register_prompt(name, "Hello {{who}}", commit_message="first", tags={"lang": "en"})
    mlflow.genai.register_prompt(name, [{"role": "user", "content": "Hi {{who}}"}], commit_message="chat")
    assert first.version == 1 and mlflow.genai.load_prompt(f"prompts:/{name}/1").format(who="you") == "Hello you"
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest").version == 2
    mlflow.genai.set_prompt_alias(name, "live", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live").template == "Hello {{who}}"
    mlflow.genai.delete_prompt_alias(name, "live")
    assert [p.name for p in mlflow.genai.search_prompts(f"name = '{name}'")] == [name]
    assert name not in [m.name for m in client.search_registered_models()]
    refused("already taken by a prompt", client.create_registered_model, name)
    client.set_prompt_tag(name, "a", "b")
    client.set_prompt_version_tag(name, 1, "c", "d")
    assert client.get_prompt(name).tags["a"] == "b" and client.get_prompt_version(name, 1).tags["c"] == "d"
    assert {v.version for v in client.search_prompt_versions(name)} == {1, 2}
    client.delete_prompt_version(name, "2")
    client.delete_prompt_version(name, "1")
    client.delete_prompt(name)
    assert client.get_prompt(name) is None


def evaluation():
    X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})
    frame = X.assign(y=[0.0, 1.0, 2.0, 3.5], prediction=X["a"])
    mlflow.set_experiment(f"evaluation {SUFFIX}")
    with mlflow.start_run() as run:
        result = mlflow.models.evaluate(data=frame, targets="y", predictions="prediction", model_type="regressor")
    assert result.metrics["mean_absolute_error"] == 0.125
    assert client.get_run(run.info.run_id).data.metrics["max_error"] == 0.5
    from sklearn.linear_model import LogisticRegression

    labels = pd.Series([0, 0, 1, 1], name="label")
    with mlflow.start_run() as run:
        where = {"name": "judged"} if IS_3 else {"artifact_path": "judged"}
        info = mlflow.sklearn.log_model(LogisticRegression().fit(X, labels), **where)
        result = mlflow.models.evaluate(info.model_uri, X.assign(label=labels), targets="label", model_type="classifier", evaluators="default", evaluator_config={"log_model_explainability": False})
    assert result.metrics["accuracy_score"] == 1.0
    assert "confusion_matrix.png" in {f.path for f in client.list_artifacts(run.info.run_id)}


def by_client():
    run = runs(experiments())
    artifacts(run)
    registry(run)


if __name__ == "__main__":
    parts = sys.argv[1:]
    steps = {
        "client": by_client, "fluent": fluent, "async": asynchronously, "system": system_metrics,
        "models": models, "prompts": prompts if IS_3 else None, "evaluation": evaluation,
    }
    for name, step in steps.items():
        if step and (not parts or name in parts):
            started = time.time()
            step()
            print(f"{name}: {time.time() - started:.1f} s", flush=True)
    print(f"mlflow {mlflow.__version__}: done")
