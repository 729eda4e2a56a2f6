"""Experiments, runs, searching and logged models, as scripts and as wrong requests ask for them."""

from compare import check, get, post, sides

# Experiments
post("experiments/create", {"name": "diff", "tags": [{"key": "a", "value": "b"}]}, keep={"exp": ("experiment_id",)})
post("experiments/create", {"name": "diff"})
post("experiments/create", {"name": "other"}, keep={"exp2": ("experiment_id",)})
for side in sides:
    side.ids["exp_long"] = "x"
get("experiments/get", {"experiment_id": "$exp"})
get("experiments/get-by-name", {"experiment_name": "diff"})
get("experiments/get-by-name", {"experiment_name": "nope"})
get("experiments/get", {"experiment_id": "987654"})
get("experiments/get", {"experiment_id": "abc"})
get("experiments/get", {})
post("experiments/create", {"name": 123})
post("experiments/create", {"name": ""})
post("experiments/create", {})
post("experiments/create", {"name": "x" * 501})
post("experiments/create", {"name": "tags", "tags": [{"key": "../a", "value": "b"}]})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k", "value": "v"})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k", "value": "v" * 20001})
post("experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "k" * 251, "value": "v"})
post("experiments/set-experiment-tag", {"experiment_id": "$exp"})
post("experiments/delete-experiment-tag", {"experiment_id": "$exp", "key": "none"})
post("experiments/update", {"experiment_id": "$exp", "new_name": "diff2"})
post("experiments/update", {"experiment_id": "$exp"})
post("experiments/search", {"max_results": 2, "order_by": ["name"]})
post("experiments/search", {"max_results": 0})
post("experiments/search", {"max_results": 50001})
post("experiments/search", {"max_results": 5, "filter": "tags.k = 'v'"})
post("experiments/search", {"max_results": 5, "filter": "name ILIKE 'DIFF%'"})
post("experiments/search", {"max_results": 5, "filter": "metrics.k = 1"})
post("experiments/search", {"max_results": 5, "filter": "bad = 'x'"})
post("experiments/search", {"max_results": 5, "filter": "name = 1"})
post("experiments/search", {"max_results": 5, "view_type": "ALL", "order_by": ["experiment_id ASC"]})
post("experiments/search", {"max_results": 5, "order_by": ["bad"]})
get("experiments/search", {"max_results": "3", "view_type": "ACTIVE_ONLY", "order_by": "experiment_id DESC"})
post("experiments/delete", {"experiment_id": "$exp2"})
post("experiments/delete", {"experiment_id": "$exp2"})
post("runs/create", {"experiment_id": "$exp2", "start_time": 1})
post("experiments/set-experiment-tag", {"experiment_id": "$exp2", "key": "k", "value": "v"})
post("experiments/create", {"name": "other"})
post("experiments/search", {"max_results": 5, "view_type": "DELETED_ONLY"})
post("experiments/restore", {"experiment_id": "$exp2"})
post("experiments/restore", {"experiment_id": "$exp2"})
post("experiments/create", {"name": "with location", "artifact_location": "s3://bucket/x"}, keep={"exp3": ("experiment_id",)})
get("experiments/get", {"experiment_id": "$exp3"})

# Runs
run = {"experiment_id": "$exp", "start_time": 1000, "user_id": "ada", "run_name": "one", "tags": [{"key": "t", "value": "1"}]}
post("runs/create", run, keep={"run": ("run", "info", "run_id")})
post("runs/create", {**run, "run_name": "two", "start_time": 2000}, keep={"run2": ("run", "info", "run_id")})
post("runs/create", {**run, "run_name": "three", "start_time": 3000}, keep={"run3": ("run", "info", "run_id")})
post("runs/create", {"experiment_id": "$exp", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]})
post("runs/create", {"experiment_id": "424242", "start_time": 1})
post("runs/create", {"experiment_id": "$exp", "start_time": "soon"})
get("runs/get", {"run_id": "$run"})
get("runs/get", {"run_uuid": "$run"})
get("runs/get", {"run_id": "f" * 32})
get("runs/get", {})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.1"})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.1"})
post("runs/log-parameter", {"run_id": "$run", "key": "lr", "value": "0.2"})
post("runs/log-parameter", {"run_id": "$run", "key": "empty"})
post("runs/log-parameter", {"run_id": "$run", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "a/../b", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "é ü:/ok", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "no*star", "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "k" * 251, "value": "x"})
post("runs/log-parameter", {"run_id": "$run", "key": "long", "value": "x" * 7000})
metric = {"run_id": "$run", "key": "auc", "value": 0.5, "timestamp": 10, "step": 1}
post("runs/log-metric", metric)
post("runs/log-metric", {**metric, "value": "NaN", "step": 2})
post("runs/log-metric", {**metric, "value": "Infinity", "step": 3, "key": "inf"})
post("runs/log-metric", {**metric, "value": "-Infinity", "step": 3, "key": "inf"})
post("runs/log-metric", {**metric, "value": 7, "step": 0})
post("runs/log-metric", {**metric, "value": "0.25", "timestamp": "11", "step": "2"})
post("runs/log-metric", {**metric, "value": "abc"})
post("runs/log-metric", {**metric, "value": None})
post("runs/log-metric", {**metric, "timestamp": -1})
post("runs/log-metric", {**metric, "timestamp": None})
post("runs/log-metric", {**metric, "key": None})
post("runs/log-metric", {**metric, "key": "a//b"})
post("runs/log-metric", {**metric, "run_id": "0" * 32})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc"})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc", "max_results": 2})
get("metrics/get-history", {"run_id": "$run", "metric_key": "none"})
get("metrics/get-history", {"run_id": "$run", "metric_key": "auc", "max_results": 0})
get("metrics/get-history", {"run_id": "$run"})
get("metrics/get-history-bulk-interval", {"run_ids": ["$run", "$run2"], "metric_key": "auc", "max_results": 2})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "max_results": 2501})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 1})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 3, "end_step": 1})
get("metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "auc", "start_step": 1, "end_step": 2})
post("runs/set-tag", {"run_id": "$run", "key": "mlflow.runName", "value": "renamed"})
post("runs/set-tag", {"run_id": "$run", "key": "t", "value": "v" * 9000})
post("runs/set-tag", {"run_id": "$run", "key": "..", "value": "v"})
post("runs/delete-tag", {"run_id": "$run", "key": "none"})
post("runs/update", {"run_id": "$run2", "status": "FINISHED", "end_time": 5000, "run_name": "deux"})
post("runs/update", {"run_id": "$run3", "status": "FAILED"})
post("runs/update", {"status": "FAILED"})
get("runs/get", {"run_id": "$run"})
get("runs/get", {"run_id": "$run2"})
batch = {"run_id": "$run2", "metrics": [], "params": [], "tags": []}
m = {"key": "auc", "value": 0.9, "timestamp": 5, "step": 0}
post("runs/log-batch", {**batch, "metrics": [m, m, {**m, "key": "loss", "value": "NaN"}], "params": [{"key": "lr", "value": "1"}], "tags": [{"key": "x", "value": "y"}, {"key": "x", "value": "z"}]})
post("runs/log-batch", {**batch, "params": [{"key": "lr", "value": "2"}, {"key": "new", "value": "2"}]})
post("runs/log-batch", {**batch, "params": [{"key": "d", "value": "2"}, {"key": "d", "value": "2"}]})
post("runs/log-batch", {**batch, "params": [{"key": f"k{i}", "value": ""} for i in range(101)]})
post("runs/log-batch", {**batch, "tags": [{"key": f"k{i}", "value": ""} for i in range(101)]})
post("runs/log-batch", {**batch, "metrics": [m] * 1001})
post("runs/log-batch", {**batch, "metrics": [{"key": "auc", "timestamp": 5}]})
post("runs/log-batch", {**batch, "metrics": [{"value": 5, "timestamp": 5}]})
post("runs/log-batch", {**batch, "metrics": [{**m, "key": "../x"}]})
post("runs/log-batch", {**batch, "metrics": "x"})
post("runs/log-batch", {**batch, "params": [{"value": "1"}]})
post("runs/log-batch", {**batch, "run_id": "$"})
post("runs/log-batch", {"metrics": []})
get("runs/get", {"run_id": "$run2"})
dataset = {"name": "jan", "digest": "abc", "source_type": "local", "source": "{}", "profile": "{}"}
post("runs/log-inputs", {"run_id": "$run", "datasets": [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]})
post("runs/log-inputs", {"run_id": "$run", "datasets": [{"dataset": {**dataset, "digest": "x" * 37}}]})
post("runs/log-inputs", {"datasets": []})
get("runs/get", {"run_id": "$run"})

# Search
for i, (value, name) in enumerate([("0.1", "alpha"), ("0.7", "beta"), ("NaN", "gamma")]):
    post("runs/create", {"experiment_id": "$exp", "start_time": 4000 + i, "run_name": name}, keep={f"s{i}": ("run", "info", "run_id")})
    post("runs/log-metric", {"run_id": f"$s{i}", "key": "my metric", "value": value, "timestamp": 1})
    post("runs/log-parameter", {"run_id": f"$s{i}", "key": "my-param", "value": name})
FILTERS = [
    "", "metrics.auc > 0.1", "metrics.auc >= 0.25 and metrics.auc < 1", "metrics.`my metric` > 0.05",
    'metrics."my metric" != 0.1', "metrics.`my metric` = 0", "metric.auc = 0.9", "metrics.auc > -1.5e3",
    "params.lr = '0.1'", 'params.lr = "0.1"', "param.lr != '0.1'", "parameters.lr LIKE '0%'", "params.`my-param` ILIKE 'AL%'",
    "params.`my-param` like 'AL%'", "tags.t = '1'", "tag.mlflow.runName = 'alpha'", "tags.nope IS NULL", "tags.t IS NOT NULL",
    "params.lr IS NULL", "params.lr is not null AND metrics.auc > 0", "attributes.status = 'RUNNING'", "status = 'FINISHED'",
    "attribute.start_time > 2500", "start_time <= 2000", "created > 4000", "end_time > 1", "run_name = 'beta'", "`run name` = 'beta'",
    "attributes.run_name LIKE '%a'", "user_id = 'ada'", "run_id = '$run'", "run_id IN ('$run', '$run2')", "run_id NOT IN ('$run')",
    "artifact_uri LIKE 'mlflow-artifacts%'", "dataset.name = 'jan'", "datasets.digest IN ('abc', 'x')", "dataset.context = 'training'",
    "dataset.name != 'jan'", "status != 'RUNNING' AND tags.t = '1'",
    # refused
    "metrics.auc", "metrics.auc >", "metrics.auc > 0.1 OR metrics.auc < 1", "(metrics.auc > 0.1)", "metrics.auc > 'a'",
    "metrics.auc LIKE 'a'", "params.lr = 0.1", "params.lr > '0.1'", "params.lr = abc", "nope.lr = 'x'", "attributes.nope = 'x'",
    "start_time = 'x'", "status > 'x'", "status IN ('RUNNING')", "run_id IN ()", "run_id IN (1, 2)", "metrics.auc IS NULL",
    "dataset.nope = 'x'", "dataset.name = 1", "tags.a IN ('x')", "1 = 1", "metrics.auc > 0.1,", "AND", "status = RUNNING",
    "start_time LIKE 'x'", "tags.`a", "metrics.auc > 0.1; metrics.auc < 1", "metrics.auc == 0.1", "metrics.auc <> 0.1",
]
for text in FILTERS:
    post("runs/search", {"experiment_ids": ["$exp"], "filter": text}, status_only=text == "tags.`a")
ORDERS = [
    ["metrics.auc"], ["metrics.auc DESC"], ["metrics.`my metric` ASC"], ["metrics.`my metric` desc", "start_time"],
    ["params.lr", "start_time asc"], ["params.`my-param` DESC"], ["tags.t"], ["start_time"], ["attributes.end_time DESC"], ["run_name DESC"],
    ["Created ASC"], ["status", "start_time"], ["metrics.none"],
    # refused
    ["nope.x"], ["attributes.nope"], ["metrics.auc up"], ["metrics.auc asc desc"], [""], ["dataset.name"],
]
for order in ORDERS:
    post("runs/search", {"experiment_ids": ["$exp"], "order_by": order}, status_only=order in ([""], ["dataset.name"]))
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 2})
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 50001})
post("runs/search", {"experiment_ids": ["$exp"], "max_results": 0})
post("runs/search", {"experiment_ids": "x"})
post("runs/search", {"experiment_ids": ["x"]})
post("runs/search", {"experiment_ids": []})
post("runs/search", {"experiment_ids": ["$exp"], "page_token": "!!!"}, status_only=True)
post("runs/delete", {"run_id": "$run3"})
post("runs/search", {"experiment_ids": ["$exp"], "run_view_type": "DELETED_ONLY"})
post("runs/log-metric", {**metric, "run_id": "$run3"})
post("runs/set-tag", {"run_id": "$run3", "key": "a", "value": "b"})
post("runs/update", {"run_id": "$run3", "status": "FINISHED"})
post("runs/restore", {"run_id": "$run3"})
get("runs/get", {"run_id": "$run3"})

# Logged models
model = {"experiment_id": "$exp", "name": "m", "source_run_id": "$run", "model_type": "x", "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "1"}]}
post("logged-models", model, keep={"model": ("model", "info", "model_id")})
post("logged-models", {**model, "name": "a/b"})
post("logged-models", {"name": "x"})
post("runs/outputs", {"run_id": "$run", "models": [{"model_id": "$model", "step": 3}]})
post("runs/outputs", {"run_id": "$run"})
post("runs/log-metric", {**metric, "key": "val", "model_id": "$model", "dataset_name": "jan", "dataset_digest": "abc"})
check("PATCH", "/api/2.0/mlflow/logged-models/$model", {"model_id": "$model", "status": 2})
check("PATCH", "/api/2.0/mlflow/logged-models/$model/tags", {"model_id": "$model", "tags": [{"key": "t", "value": "2"}]})
check("DELETE", "/api/2.0/mlflow/logged-models/$model/tags/none")
check("DELETE", "/api/2.0/mlflow/logged-models/$model/tags/t")
post("logged-models/$model/params", {"model_id": "$model", "params": [{"key": "q", "value": "2"}]})
get("logged-models/$model")
get("logged-models/m-0000")
get("runs/get", {"run_id": "$run"})
for text in ["", "name = 'm'", "metrics.val > 0.1", "metrics.val > 9", "params.p = '1'", "tags.t = '2'", "status = 'READY'", "nope.x = 1", "name > 'a'"]:
    post("logged-models/search", {"experiment_ids": ["$exp"], "filter": text}, status_only=text in ("nope.x = 1", "name > 'a'", "status = 'READY'"))
post("logged-models/search", {"experiment_ids": ["$exp"], "order_by": [{"field_name": "metrics.val", "ascending": False}]})
post("logged-models/search", {"experiment_ids": ["$exp"], "order_by": [{"field_name": "bad"}]}, status_only=True)
