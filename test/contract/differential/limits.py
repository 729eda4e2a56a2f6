"""Limits, characters and pages: just allowed, just refused."""

from compare import check, get, post

post("experiments/create", {"name": "limits"}, keep={"lexp": ("experiment_id",)})
post("runs/create", {"experiment_id": "$lexp", "start_time": 1, "run_name": "l"}, keep={"lrun": ("run", "info", "run_id")})
RUN = {"run_id": "$lrun"}

# Keys of metrics, params and tags
KEYS = [
    "k" * 250, "k" * 251, "a b", "a/b", "a:b", "a-b.c_d", "é", "日本", "a\tb", "a\nb", "a\n", "a*b", "a%b", "a?b", "a\\b",
    ".", "..", "/a", "a/", "a//b", "a/./b", "a/../b", "../a", "./a", " ", " a ", "a\u0000b", "😀", "ª", "٣", "ı", "a'b", 'a"b', "²",
    "\u00a0", "a\u0301", "_", "-", "0",
]
for key in KEYS:
    post("runs/log-metric", {**RUN, "key": key, "value": 1, "timestamp": 1})
    post("runs/log-parameter", {**RUN, "key": key, "value": "1"})
    post("runs/set-tag", {**RUN, "key": key, "value": "1"})
    post("runs/log-batch", {**RUN, "metrics": [{"key": key, "value": 1, "timestamp": 1, "step": 0}]})
    post("runs/log-batch", {**RUN, "params": [{"key": key, "value": "1"}]})
    post("runs/log-batch", {**RUN, "tags": [{"key": key, "value": "1"}]})
    post("experiments/set-experiment-tag", {"experiment_id": "$lexp", "key": key, "value": "1"})
get("runs/get", RUN)
get("experiments/get", {"experiment_id": "$lexp"})

# Values
for size in (5999, 6000, 6001):
    post("runs/log-parameter", {**RUN, "key": f"p{size}", "value": "é" * size})
    post("runs/log-batch", {**RUN, "params": [{"key": f"q{size}", "value": "😀" * size}]})
for size in (7999, 8000, 8001):
    post("runs/set-tag", {**RUN, "key": f"t{size}", "value": "x" * size})
    post("runs/log-batch", {**RUN, "tags": [{"key": f"u{size}", "value": "😀" * size}]})
    tagged = {"experiment_id": "$lexp", "start_time": 1, "run_name": "t", "tags": [{"key": "t", "value": "x" * size}]}
    post("runs/create", tagged, keep={f"lrun{size}": ("run", "info", "run_id")}, differs="long tags of a new run" if size > 8000 else None)
for size in (5000, 5001, 20000, 20001):
    post("experiments/set-experiment-tag", {"experiment_id": "$lexp", "key": "long", "value": "x" * size})
    post("experiments/create", {"name": f"tag {size}", "tags": [{"key": "long", "value": "x" * size}]})
for size in (500, 501):
    post("experiments/create", {"name": "n" * size})
    post("experiments/update", {"experiment_id": "$lexp", "new_name": "m" * size})
    post("runs/create", {"experiment_id": "$lexp", "run_name": "r" * size}, ignore=("run",))
    post("runs/update", {**RUN, "run_name": "r" * size})
get("runs/get", RUN)
for location in ("x" * 2048, "x" * 2049, "s3://bucket/a?b=c", "s3://bucket/a#b", "s3://bucket/a/../b", "mlflow-artifacts:/x", "dbfs:/x", "..", "https://host/x", "s3://bucket/%2e%2e/x", " "):
    post("experiments/create", {"name": f"at {location[:40]}{len(location)}", "artifact_location": location})
post("runs/create", {"experiment_id": "$lexp", "start_time": 1, "run_name": "other"}, keep={"lother": ("run", "info", "run_id")})
OTHER = {"run_id": "$lother"}  # holds what MLflow stores otherwise
for value in ("1_0", "١"):
    post("runs/log-metric", {**OTHER, "key": "digits", "value": value, "timestamp": 1}, differs="digits of Python")
for value in ("NaN", "Infinity", "-Infinity", "inf", "1e400", "-1e400", 1e308, -1e308, 5e-324, "1e-400", "0x10", " 1", "", True, "1.", ".5", "+1"):
    post("runs/log-metric", {**RUN, "key": f"v {str(value).strip() or 'none'}"[:40].replace("+", "p"), "value": value, "timestamp": 1})
post("runs/log-metric", {**OTHER, "key": "nan", "value": "nan", "timestamp": 1})
for number in (0, -1, 1.0, 1.5, "1", "1.0", "-1", " 1", "", "1e3", 1e3, 2**31, 2**53 - 1, True, "x"):
    run = OTHER if number in (1.5, " 1", True, "x") else RUN
    post("runs/log-metric", {**run, "key": "time", "value": 1, "timestamp": number})
    post("runs/log-metric", {**run, "key": "step", "value": 1, "timestamp": 1, "step": number})
    post("runs/create", {"experiment_id": "$lexp", "start_time": number, "run_name": "n"}, ignore=("run",))
for number in (2**53, 2**63 - 1):
    post("runs/log-metric", {**OTHER, "key": "time", "value": 1, "timestamp": number}, differs="large integers")
    post("runs/log-metric", {**OTHER, "key": "step", "value": 1, "timestamp": 1, "step": str(number)}, differs="large integers")
for number in (2**63, -(2**63) - 1):
    post("runs/log-metric", {**OTHER, "key": "step", "value": 1, "timestamp": 1, "step": number}, status_only=True)
get("runs/get", RUN)

# Batches
point = {"key": "m", "value": 1, "timestamp": 1, "step": 0}
for metrics, params, tags in ((1000, 0, 0), (1001, 0, 0), (0, 100, 0), (0, 101, 0), (0, 0, 100), (0, 0, 101), (801, 100, 100), (800, 100, 100)):
    post("runs/log-batch", {
        **RUN, "metrics": [{**point, "step": i} for i in range(metrics)],
        "params": [{"key": f"b{metrics}{i}", "value": "1"} for i in range(params)], "tags": [{"key": f"b{i}", "value": "1"} for i in range(tags)],
    })
post("runs/log-batch", {**RUN, "params": [{"key": "dup", "value": "1"}, {"key": "dup", "value": "2"}, {"key": "e", "value": "1"}, {"key": "e", "value": "1"}]})
post("runs/log-batch", {**RUN, "params": [{"key": "one", "value": "1"}]})
post("runs/log-batch", {**RUN, "params": [{"key": "one", "value": "2"}, {"key": "two", "value": "2"}], "metrics": [{**point, "key": "after"}], "tags": [{"key": "after", "value": "1"}]})
post("runs/log-batch", {**RUN, "params": [{"key": "one", "value": "it's \\ \"2\"\n"}]})
post("runs/log-batch", {"run_id": "$lrun"})
post("runs/log-batch", {"run_id": "../x"})
post("runs/log-batch", {"run_id": "a" * 300})
get("runs/get", RUN)

# Datasets
data = {"name": "d", "digest": "1", "source_type": "t", "source": "s"}
for field, size in (("name", 500), ("digest", 36), ("source", 65535), ("schema", 1048575), ("profile", 16777215)):
    for extra in (0, 1):
        post("runs/log-inputs", {**RUN, "datasets": [{"dataset": {**data, "digest": f"{field}{extra}", field: "x" * (size + extra)}}]})
for tag in ({"key": "k" * 255, "value": "v" * 500}, {"key": "k" * 256, "value": "v"}, {"key": "k", "value": "v" * 501}, {"key": "../k", "value": "v"}, {"key": ""}, {}):
    post("runs/log-inputs", {**RUN, "datasets": [{"dataset": {**data, "name": "tagged"}, "tags": [tag]}]})
for dataset in ({}, {"name": ""}, {"name": "d"}, {"digest": "1"}, {"name": "d", "digest": "1"}, {"name": "d", "digest": "1", "source": "s"}, {"name": "d", "digest": "1", "source_type": "t"}):
    post("runs/log-inputs", {**RUN, "datasets": [{"dataset": dataset}]})
post("runs/log-inputs", {**RUN, "datasets": [{}]})
post("runs/log-inputs", {**RUN, "models": [{}]})
post("runs/log-inputs", {**RUN, "models": [{"model_id": "m-none"}]})
post("runs/outputs", {**RUN, "models": [{"model_id": "m-none", "step": 1}]})
post("runs/outputs", {"run_id": "none", "models": [{"model_id": "m-none", "step": 1}]})
post("experiments/search-datasets", {"experiment_ids": ["$lexp"]}, differs="search-datasets of the API")
check("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["$exp"]})
check("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": []})
check("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [str(i) for i in range(21)]})
check("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["x"]})

# Registry
post("registered-models/create", {"name": "lim"})
MODEL = {"name": "lim"}
for name in ("n" * 256, "n" * 257, ".", "..", "a:b", "a/b", " ", "é", "a\u0000", "../a", "a?b", "a%2fb", "\n"):
    post("registered-models/create", {"name": name})
    get("registered-models/get", {"name": name})
    post("registered-models/rename", {"name": "zeta", "new_name": name})
    check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": name})
post("registered-models/create", {"name": "zeta"})
for key, value in (("k" * 250, "v"), ("k" * 251, "v"), ("k", "v" * 5000), ("k", "v" * 5001), ("k", "v" * 100_000), ("k", "v" * 100_001), ("../k", "v"), ("a b", "v"), ("a*b", "v")):
    post("registered-models/set-tag", {**MODEL, "key": key, "value": value})
    post("registered-models/create", {"name": f"with {key[:9]} {len(value)}", "tags": [{"key": key, "value": value}]}, ignore=("registered_model",))
post("model-versions/create", {**MODEL, "source": "s3://b/x"})
for key, value in (("k" * 251, "v"), ("k", "v" * 100_001), ("../k", "v")):
    post("model-versions/set-tag", {**MODEL, "version": "1", "key": key, "value": value})
    post("model-versions/create", {**MODEL, "source": "s3://b/x", "tags": [{"key": key, "value": value}]})
for alias in ("a" * 255, "a" * 256, "a-b_c", "a.b", "a b", "latest", "LATEST", "v1", "V1", "v1a", "1", "é", "", "../x"):
    post("registered-models/alias", {**MODEL, "alias": alias, "version": "1"})
    get("registered-models/alias", {**MODEL, "alias": alias})
    check("DELETE", "/api/2.0/mlflow/registered-models/alias", {**MODEL, "alias": alias})
post("registered-models/create", {"name": "line feed"})  # deleted below, since only MLflow has the alias
post("model-versions/create", {"name": "line feed", "source": "s3://b/x"})
post("registered-models/alias", {"name": "line feed", "alias": "a\n", "version": "1"}, differs="newline after an alias")
check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "line feed"})
get("model-versions/get", {**MODEL, "version": "٣"}, differs="digits of Python")
for version in ("0", "-1", "1.0", "1.5", "x", "", "99999999999999999999", " 1", "01", "1 ", True, 1, 1.0, None):
    get("model-versions/get", {**MODEL, "version": version})
    post("registered-models/alias", {**MODEL, "alias": "al", "version": version})
    post("model-versions/set-tag", {**MODEL, "version": version, "key": "a", "value": "b"})
    post("model-versions/transition-stage", {**MODEL, "version": version, "stage": "Staging"})
    check("DELETE", "/api/2.0/mlflow/model-versions/delete-tag", {**MODEL, "version": version, "key": "none"})
    check("PATCH", "/api/2.0/mlflow/model-versions/update", {**MODEL, "version": version, "description": "d"})
for stage in ("None", "none", "STAGING", "archived", "Deleted_Internal", "", " Staging", "Other"):
    post("model-versions/transition-stage", {**MODEL, "version": "1", "stage": stage})
    post("registered-models/get-latest-versions", {**MODEL, "stages": [stage]})
    post("model-versions/transition-stage", {**MODEL, "version": "1", "stage": stage, "archive_existing_versions": True})
for size in (5000, 5001, 100_000):
    check("PATCH", "/api/2.0/mlflow/registered-models/update", {**MODEL, "description": "d" * size})
    check("PATCH", "/api/2.0/mlflow/model-versions/update", {**MODEL, "version": "1", "description": "d" * size})

# Pages and tokens
TOKENS = ["!!!", "e30=", "eyJvZmZzZXQiOiAieCJ9", "AAAA", "é", "x" * 5000, "bnVsbA==", "W10="]
post("experiments/search", {"max_results": 1.5}, differs="half read")
for size in (-1, 0, 1, 50_000, 50_001, "2", "x", None):
    for path in ("experiments/search", "runs/search", "logged-models/search"):
        post(path, {"experiment_ids": ["$lexp"], "max_results": size}, ignore=("experiments", "runs", "models", "next_page_token"))
    for path in ("registered-models/search", "model-versions/search"):
        get(path, {"max_results": size}, ignore=("registered_models", "model_versions", "next_page_token"))
for size in (100, 1000, 1001, 200_000, 200_001):
    get("registered-models/search", {"max_results": size}, ignore=("registered_models", "next_page_token"))
    get("model-versions/search", {"max_results": size}, ignore=("model_versions", "next_page_token"))
    get("metrics/get-history", {**RUN, "metric_key": "m", "max_results": size}, ignore=("metrics", "next_page_token"))
    get("metrics/get-history-bulk-interval", {"run_ids": "$lrun", "metric_key": "m", "max_results": size}, ignore=("metrics",))
get("registered-models/search", {"max_results": 1, "page_token": "eyJvZmZzZXQiOiAtMX0="}, differs="page tokens")
for token in TOKENS:
    post("experiments/search", {"max_results": 1, "page_token": token}, status_only=True)
    post("runs/search", {"experiment_ids": ["$lexp"], "max_results": 1, "page_token": token}, status_only=True)
    post("logged-models/search", {"experiment_ids": ["$lexp"], "max_results": 1, "page_token": token}, status_only=True)
    get("registered-models/search", {"max_results": 1, "page_token": token}, status_only=True)
    get("model-versions/search", {"max_results": 1, "page_token": token}, status_only=True)
    get("metrics/get-history", {**RUN, "metric_key": "m", "max_results": 1, "page_token": token}, status_only=True)
for count in (100, 101):
    get("metrics/get-history-bulk-interval", {"run_ids": ["$lrun"] * count, "metric_key": "none"})
    check("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", params={"run_id": ["$lrun"] * count, "metric_key": "none"})
for params in ({}, {"run_id": "$lrun"}, {"metric_key": "m"}, {"run_id": "$lrun", "metric_key": "m", "max_results": 3}, {"run_id": "none", "metric_key": "m"}):
    check("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", params=params)

# A page of logged models is of one question
for name in ["first", "second"]:
    post("logged-models", {"experiment_id": "$lexp", "name": name}, keep={name: ("model", "info", "model_id")})
ORDER = {"field_name": "creation_time", "ascending": True}
for asked in [{}, {"filter": "name != 'x'"}, {"order_by": [ORDER]}, {"order_by": [{**ORDER, "dataset_name": "it's"}]}]:
    models = {"experiment_ids": ["$lexp"], "max_results": 1, **asked}
    post("logged-models/search", models, ignore=("models",), keep={"page": ("next_page_token",)})
    for change in [{}, {"experiment_ids": ["0", "$lexp"]}, {"filter": "name = 'it''s'"}, {"filter": ""}, {"order_by": [{"field_name": "name"}]}, {"order_by": []}]:
        post("logged-models/search", {**models, "page_token": "$page", **change}, ignore=("models",))
