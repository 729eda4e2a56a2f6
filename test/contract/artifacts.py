"""Artifacts as the stock MLflow client writes and reads them; prints what it saw as JSON.

argv: the parts to run. MLFLOW_TRACKING_URI names the server.
"""
import hashlib
import io
import json
import os
import pathlib
import sys
import tempfile

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

URL = os.environ["MLFLOW_TRACKING_URI"]
client = MlflowClient()
work = pathlib.Path(tempfile.mkdtemp())
seen = {}


def paths(run_id, folder=None):
    return sorted((f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id, folder))


def everything():
    """Every way of the client to log files, and to read them again."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    folder = work / "folder"
    (folder / "nested" / "deep").mkdir(parents=True)
    (folder / "a b.txt").write_text("with a blank")
    (folder / "100%.txt").write_text("percent")
    (folder / "ünï.txt").write_text("umlauts")
    (folder / "empty.bin").write_bytes(b"")
    (folder / "nested" / "deep" / "c.bin").write_bytes(bytes(range(256)) * 40)
    (work / "one.txt").write_text("one")
    with mlflow.start_run() as run:
        run_id = run.info.run_id
        mlflow.log_artifact(str(work / "one.txt"))
        mlflow.log_artifact(str(work / "one.txt"), "copy/of")
        mlflow.log_artifacts(str(folder), "tree")
        mlflow.log_dict({"a": [1, 2]}, "dict.json")
        mlflow.log_dict({"a": [1, 2]}, "dict.yaml")
        mlflow.log_text("some text", "text/notes.md")
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        mlflow.log_figure(figure, "figure.png")
        mlflow.log_image(np.zeros((8, 8, 3), dtype=np.uint8), "image.png")
        if hasattr(mlflow, "log_stream"):
            mlflow.log_stream(io.BytesIO(b"streamed"), "stream.bin")
        mlflow.log_image(np.zeros((8, 8, 3), dtype=np.uint8), key="dog", step=2, timestamp=3, synchronous=True)
        table = {"x": [1, 2], "y": ["a", "b"]}
        mlflow.log_table(table, "table.json")
        mlflow.log_table(table, "table.json")
    assert len(mlflow.load_table("table.json", run_ids=[run_id])) == 4
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/text/notes.md") == "some text"
    assert mlflow.artifacts.load_dict(run.info.artifact_uri + "/dict.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_image(run.info.artifact_uri + "/image.png").size == (8, 8)
    assert len(client.list_artifacts(run_id, "images")) == 2

    got = pathlib.Path(download_artifacts(run_id=run_id, artifact_path="tree", dst_path=str(work / "got")))
    names = sorted(str(p.relative_to(got)) for p in got.rglob("*") if p.is_file())
    for name in names:
        assert (got / name).read_bytes() == (folder / name).read_bytes(), name
    assert names == sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    whole = pathlib.Path(download_artifacts(run_id=run_id, artifact_path="", dst_path=str(work / "all")))
    assert (whole / "copy" / "of" / "one.txt").read_text() == "one"

    repository = get_artifact_repository(run.info.artifact_uri)
    seen["root"] = [p for p, _, _ in paths(run_id)]
    seen["tree"] = paths(run_id, "tree")
    assert paths(run_id, "one.txt") == []
    assert paths(run_id, "not/there") == []
    repository.delete_artifacts("tree/nested")
    repository.delete_artifacts("one.txt")
    seen["afterDelete"] = [paths(run_id, "tree/nested"), [p for p, _, _ in paths(run_id) if p == "one.txt"]]
    seen["uri"] = run.info.artifact_uri
    seen["run"] = run_id


def model():
    """A model of MLflow 3 with its files, registered, loaded again and listed."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    with mlflow.start_run() as run:
        features = np.array([[0.0], [1.0]])
        estimator = LogisticRegression().fit(features, [0, 1])
        info = mlflow.sklearn.log_model(estimator, name="model", registered_model_name="artifacts")
    loaded = mlflow.sklearn.load_model("models:/artifacts/1")
    assert loaded.predict(features).tolist() == [0, 1]
    seen["model"] = info.model_id
    seen["modelRun"] = run.info.run_id
    files = requests.get(f"{URL}/api/2.0/mlflow/logged-models/{info.model_id}/artifacts/directories").json()
    seen["modelFiles"] = sorted(f["path"] for f in files["files"])
    one = requests.get(
        f"{URL}/ajax-api/2.0/mlflow/logged-models/{info.model_id}/artifacts/files",
        params={"artifact_file_path": "MLmodel"},
    )
    assert "flavors" in one.text, one.text
    of_version = requests.get(
        f"{URL}/model-versions/get-artifact", params={"name": "artifacts", "version": "1", "path": "MLmodel"}
    )
    assert of_version.text == one.text


def multipart():
    """A file in parts past the server where its store can, else in one piece through it."""
    content = os.urandom(12 * 1024 * 1024 + 7)
    (work / "large.bin").write_bytes(content)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(work / "large.bin"), "in/parts")
        mlflow.log_artifact(str(work / "large.bin"), "in/parts")
    got = download_artifacts(run_id=run.info.run_id, artifact_path="in/parts/large.bin", dst_path=str(work / "p"))
    assert pathlib.Path(got).read_bytes() == content
    seen["digest"] = "sha256:" + hashlib.sha256(content).hexdigest()
    seen["run"] = run.info.run_id
    seen["listed"] = paths(run.info.run_id, "in/parts")


def roots():
    """Experiments whose artifacts lie at roots that the client itself reaches."""
    for name, location in json.loads(os.environ["ROOTS"]).items():
        experiment = client.create_experiment(f"root-{name}", artifact_location=location)
        with mlflow.start_run(experiment_id=experiment) as run:
            mlflow.log_text("hello", "folder/hello.txt")
            mlflow.log_text("top", "top.txt")
        seen[name] = {"run": run.info.run_id, "uri": run.info.artifact_uri}


def proxy():
    """The proxy as bare HTTP."""
    base = f"{URL}/api/2.0/mlflow-artifacts/artifacts"
    put = requests.put(f"{base}/plain/x.txt", data=b"0123456789")
    assert put.status_code == 200, put.text
    whole = requests.get(f"{base}/plain/x.txt")
    etag = whole.headers["ETag"]
    seen["headers"] = {k: whole.headers[k] for k in ["Content-Type", "Content-Disposition", "Accept-Ranges"]}

    def got(**headers):
        answer = requests.get(f"{base}/plain/x.txt", headers=headers)
        return [answer.status_code, answer.text if answer.status_code < 300 else "", answer.headers.get("Content-Range")]

    seen["ranges"] = [
        got(Range="bytes=2-4"),
        got(Range="bytes=7-"),
        got(Range="bytes=-3"),
        got(Range="bytes=20-30"),
        got(**{"If-None-Match": etag}),
        got(Range="bytes=2-4", **{"If-Range": '"other"'}),
    ]
    seen["listed"] = requests.get(base, params={"path": "plain"}).json()
    seen["missing"] = requests.get(f"{base}/plain/none.txt").json()
    seen["folder"] = requests.get(f"{base}/plain").json()["message"]
    seen["deleted"] = requests.delete(f"{base}/plain/x.txt").status_code
    seen["gone"] = requests.get(base, params={"path": "plain"}).json()
    seen["multipart"] = requests.post(
        f"{URL}/api/2.0/mlflow-artifacts/mpu/create/plain", json={"path": "x.bin", "num_parts": 2}
    ).status_code
    seen["info"] = requests.get(f"{URL}/api/3.0/mlflow/server-info").json()


def refusals():
    """Paths that leave the store, in every writing."""
    base = f"{URL}/api/2.0/mlflow-artifacts/artifacts"
    bad = ["../x", "a/../../x", "%2e%2e/x", "%252e%252e%252fx", "..%2fx", "..%5cx", "%2Fetc/passwd", "a%00b", "a%23b", "%25252e%25252e/x", "file:%2f%2f%2fx", "C:%5cx"]
    answers = {}
    session = requests.Session()
    for path in bad:
        for method in ["GET", "PUT", "DELETE"]:
            request = requests.Request(method, f"{base}/{path}", data=b"x" if method == "PUT" else None).prepare()
            request.url = f"{base}/{path}"
            answer = session.send(request)
            answers[f"{method} {path}"] = [answer.status_code, answer.json().get("message") if answer.status_code < 500 else answer.text]
    seen["answers"] = answers
    with mlflow.start_run() as run:
        mlflow.log_text("x", "x.txt")
    for path in ["../x", "%2e%2e/x", "/etc/passwd"]:
        for url in [f"{URL}/api/2.0/mlflow/artifacts/list", f"{URL}/get-artifact"]:
            answer = requests.get(url, params={"run_id": run.info.run_id, "path": path})
            answers[f"{url.rsplit('/', 1)[1]} {path}"] = [answer.status_code, answer.json()["message"]]


def upload():
    """The small files that MLflow's screens add to a run."""
    with mlflow.start_run() as run:
        pass
    url = f"{URL}/ajax-api/2.0/mlflow/upload-artifact"
    good = requests.post(url, params={"run_uuid": run.info.run_id, "path": "d/u.txt"}, data=b"up")
    assert good.status_code == 200, good.text
    seen["listed"] = paths(run.info.run_id, "d")
    seen["refused"] = [
        requests.post(url, params=params, data=data).json()["message"]
        for params, data in [
            ({}, b"x"),
            ({"run_uuid": run.info.run_id}, b"x"),
            ({"run_uuid": run.info.run_id, "path": "x"}, b""),
            ({"run_uuid": run.info.run_id, "path": "../x"}, b"x"),
            ({"run_uuid": run.info.run_id, "path": "x"}, b"x" * (10 * 1024 * 1024 + 1)),
        ]
    ]


answers = {}
for part in sys.argv[1:]:
    seen.clear()
    globals()[part]()
    answers[part] = dict(seen)
print(json.dumps(answers))
