"""Each field of each endpoint with values of the wrong type, missing, null, empty, in camelCase."""

import re

from compare import check, post

post("experiments/create", {"name": "fields"}, keep={"fexp": ("experiment_id",)})
post("runs/create", {"experiment_id": "$fexp", "start_time": 1, "run_name": "f"}, keep={"frun": ("run", "info", "run_id")})
post("registered-models/create", {"name": "fields"})
post("model-versions/create", {"name": "fields", "source": "s3://b/x"})
post("logged-models", {"experiment_id": "$fexp", "name": "f"}, keep={"fmodel": ("model", "info", "model_id")})

EXPERIMENT, RUN, TAG = {"experiment_id": "$fexp"}, {"run_id": "$frun"}, {"key": "k", "value": "v"}
MODEL, VERSION = {"name": "fields"}, {"name": "fields", "version": "1"}
ENDPOINTS = [
    ("POST", "experiments/update", {**EXPERIMENT, "new_name": "fields"}),
    ("POST", "experiments/create", {"name": "again", "artifact_location": "s3://b/f", "tags": [TAG]}),
    ("POST", "experiments/set-experiment-tag", {**EXPERIMENT, **TAG}),
    ("POST", "experiments/delete-experiment-tag", {**EXPERIMENT, "key": "k"}),
    ("POST", "experiments/delete", EXPERIMENT),
    ("POST", "experiments/restore", EXPERIMENT),
    ("POST", "experiments/search", {"max_results": 1, "view_type": "ALL", "order_by": ["name"], "filter": "name = 'fields'"}),
    ("GET", "experiments/get", EXPERIMENT),
    ("GET", "experiments/get-by-name", {"experiment_name": "fields"}),
    ("POST", "runs/create", {**EXPERIMENT, "user_id": "u", "run_name": "f", "start_time": 1, "tags": [TAG]}),
    ("POST", "runs/update", {**RUN, "status": "RUNNING", "end_time": 1, "run_name": "f"}),
    ("GET", "runs/get", RUN),
    ("POST", "runs/search", {"experiment_ids": ["$fexp"], "filter": "run_name = 'f'", "run_view_type": "ALL", "max_results": 5, "order_by": ["start_time"]}),
    ("POST", "runs/log-metric", {**RUN, "key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": "$fmodel", "dataset_name": "d", "dataset_digest": "e"}),
    ("POST", "runs/log-parameter", {**RUN, **TAG}),
    ("POST", "runs/set-tag", {**RUN, **TAG}),
    ("POST", "runs/delete-tag", {**RUN, "key": "k"}),
    ("POST", "runs/log-batch", {**RUN, "metrics": [{"key": "b", "value": 1, "timestamp": 1, "step": 1}], "params": [TAG], "tags": [TAG]}),
    ("POST", "runs/log-inputs", {**RUN, "datasets": [{"tags": [TAG], "dataset": {"name": "d", "digest": "e", "source_type": "t", "source": "s", "schema": "c", "profile": "p"}}], "models": [{"model_id": "$fmodel"}]}),
    ("POST", "runs/outputs", {**RUN, "models": [{"model_id": "$fmodel", "step": 1}]}),
    ("POST", "runs/log-model", {**RUN, "model_json": '{"artifact_path": "m", "flavors": {"a": {"config": 1, "x": "é"}}, "utc_time_created": "1", "run_id": "r"}'}),
    ("POST", "runs/delete", RUN),
    ("POST", "runs/restore", RUN),
    ("GET", "metrics/get-history", {**RUN, "metric_key": "m", "max_results": 5}),
    ("GET", "metrics/get-history-bulk-interval", {"run_ids": ["$frun"], "metric_key": "m", "start_step": 0, "end_step": 5, "max_results": 5}),
    ("GET", "artifacts/list", {**RUN, "path": "none"}),
    ("POST", "logged-models", {**EXPERIMENT, "name": "f", "model_type": "t", "source_run_id": "$frun", "params": [TAG], "tags": [TAG]}),
    ("PATCH", "logged-models/$fmodel", {"model_id": "$fmodel", "status": "LOGGED_MODEL_READY"}),
    ("POST", "logged-models/$fmodel/params", {"model_id": "$fmodel", "params": [TAG]}),
    ("PATCH", "logged-models/$fmodel/tags", {"model_id": "$fmodel", "tags": [TAG]}),
    ("POST", "logged-models/search", {"experiment_ids": ["$fexp"], "filter": "name = 'f'", "max_results": 5, "order_by": [{"field_name": "name", "ascending": True, "dataset_name": "d", "dataset_digest": "e"}], "datasets": [{"dataset_name": "d", "dataset_digest": "e"}]}),
    ("POST", "registered-models/create", {"name": "more", "tags": [TAG], "description": "d"}),
    ("PATCH", "registered-models/update", {**MODEL, "description": "d"}),
    ("POST", "registered-models/rename", {**MODEL, "new_name": "fields"}),
    ("GET", "registered-models/get", MODEL),
    ("POST", "registered-models/get-latest-versions", {**MODEL, "stages": ["None"]}),
    ("POST", "registered-models/set-tag", {**MODEL, **TAG}),
    ("DELETE", "registered-models/delete-tag", {**MODEL, "key": "k"}),
    ("POST", "registered-models/alias", {**VERSION, "alias": "a"}),
    ("DELETE", "registered-models/alias", {**MODEL, "alias": "a"}),
    ("GET", "registered-models/search", {"filter": "name = 'fields'", "max_results": 5, "order_by": ["name"]}),
    ("POST", "model-versions/create", {**MODEL, "source": "s3://b/x", "run_id": "$frun", "tags": [TAG], "run_link": "l", "description": "d"}),
    ("PATCH", "model-versions/update", {**VERSION, "description": "d"}),
    ("POST", "model-versions/transition-stage", {**VERSION, "stage": "Staging", "archive_existing_versions": False}),
    ("GET", "model-versions/get", VERSION),
    ("GET", "model-versions/get-download-uri", VERSION),
    ("POST", "model-versions/set-tag", {**VERSION, **TAG}),
    ("DELETE", "model-versions/delete-tag", {**VERSION, "key": "k"}),
    ("GET", "model-versions/search", {"filter": "name = 'fields'", "max_results": 5, "order_by": ["name"]}),
]
WRONG = [None, "", "x", "1", 5, 1.5, True, [], ["x"], [1], [None], {}, {"key": "x"}, [{}], [{"key": 1}], "../x", "a\u0000b", "%2e%2e%2f"]
IN_QUERY = ["", "x", "1", "-1", "1.5", "true", ["x", "y"], "../x", "a\u0000b", "%2e%2e%2f"]
# Ids that the two servers draw themselves.
DRAWN = ("experiment_id", "run", "model", "model_version", "runs", "run_info", "experiment", "next_page_token", "metrics", "models")


def camel(name):
    return re.sub(r"_([a-z])", lambda m: m.group(1).upper(), name)


for method, path, body in ENDPOINTS:
    at = f"/api/2.0/mlflow/{path}"
    for name in body:
        if name == "model_id" and "$fmodel" in path:
            continue  # the path names it; MLflow wants it in the body once more
        rest = {key: value for key, value in body.items() if key != name}
        if method == "GET":
            check(method, at, params=rest, ignore=DRAWN)
            for value in IN_QUERY:
                if name == "path" and "\0" in value:
                    continue  # MLflow asks its store for such a file
                check(method, at, params={**rest, name: value}, ignore=DRAWN)
            check(method, at, params={**rest, camel(name): body[name]}, ignore=DRAWN)
        else:
            check(method, at, rest, ignore=DRAWN)
            for value in WRONG:
                if path == "logged-models/search" and value in ([{}], [{"key": 1}]) and name == "order_by":
                    check(method, at, {**rest, name: value}, ignore=(*DRAWN, "sqlstate", "error_class"))
                    continue
                if path == "logged-models/search" and name == "filter" and value == "a\0b":
                    continue  # MLflow shows the character as Python's repr does
                if value == ["x"] and body[name] and isinstance(body[name], list) and isinstance(body[name][0], dict):
                    continue  # MLflow takes text for an object without fields
                unknown_status = path == "logged-models/$fmodel" and name == "status" and (value in (1.5, True) or isinstance(value, str) and value not in ("", "1"))
                check(method, at, {**rest, name: value}, ignore=DRAWN, differs="unknown status" if unknown_status else None)
            check(method, at, {**rest, camel(name): body[name]}, ignore=DRAWN)
    if "$fmodel" not in path:
        check(method, at, ignore=DRAWN, **({"params": {}} if method == "GET" else {"body": {}}))
