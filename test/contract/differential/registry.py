"""Registered models and their versions."""

from compare import check, get, post

# Registry
post("registered-models/create", {"name": "late", "description": "d", "tags": [{"key": "k", "value": "v"}]})
post("registered-models/create", {"name": "late"})
post("registered-models/create", {"name": "a/b"})
post("registered-models/create", {"name": ""})
post("registered-models/create", {"name": "zeta"})
post("model-versions/create", {"name": "late", "source": "models:/$model", "model_id": "$model"})
post("model-versions/create", {"name": "late", "source": "s3://bucket/m", "description": "two", "tags": [{"key": "k", "value": "v"}]})
post("model-versions/create", {"name": "none", "source": "s3://bucket/m"})
post("model-versions/create", {"name": "late"})
for source, extra in [
    ("/etc/passwd", {}), ("file:///etc", {}), ("s3://b/../c", {}), ("mlflow-artifacts:/1/x/artifacts/%2e%2e", {}),
    ("runs:/$run/m", {"run_id": "$run2"}), ("mlflow-artifacts:/9/other/artifacts/m", {"run_id": "$run"}), ("models:/$model", {}),
]:
    post("model-versions/create", {"name": "late", "source": source, **extra})
post("model-versions/create", {"name": "late", "source": "runs:/$run/m", "run_id": "$run"})
get("registered-models/get", {"name": "late"})
get("registered-models/get", {"name": "nope"})
get("registered-models/get", {"name": "a:b"})
get("model-versions/get", {"name": "late", "version": "1"})
get("model-versions/get", {"name": "late", "version": "99"})
get("model-versions/get", {"name": "late", "version": "x"})
get("model-versions/get-download-uri", {"name": "late", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "best", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "latest", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "v1", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "a b", "version": "2"})
post("registered-models/alias", {"name": "late", "alias": "x", "version": "77"})
get("registered-models/alias", {"name": "late", "alias": "best"})
get("registered-models/alias", {"name": "late", "alias": "latest"})
get("registered-models/alias", {"name": "late", "alias": "none"})
post("model-versions/set-tag", {"name": "late", "version": "1", "key": "a", "value": "b"})
post("model-versions/set-tag", {"name": "late", "version": "1", "key": "", "value": "b"})
check("DELETE", "/api/2.0/mlflow/model-versions/delete-tag", {"name": "late", "version": "1", "key": "a"})
check("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": "late", "version": "1", "description": "new"})
check("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": "late", "description": "newer"})
post("model-versions/transition-stage", {"name": "late", "version": "1", "stage": "production"})
post("model-versions/transition-stage", {"name": "late", "version": "2", "stage": "Production", "archive_existing_versions": True})
post("model-versions/transition-stage", {"name": "late", "version": "2", "stage": "Prod"})
get("registered-models/get", {"name": "late"})
post("registered-models/get-latest-versions", {"name": "late", "stages": ["production"]})
get("registered-models/get-latest-versions", {"name": "late"})
for text in ["", "name = 'late'", "name LIKE 'LATE'", "name ILIKE 'LATE'", "tags.k = 'v'", "name IN ('late')", "bad = 'x'", "name > 'a'", "tags.k > 'v'"]:
    get("registered-models/search", {"filter": text}, status_only="'a'" in text or "> 'v'" in text)
get("registered-models/search", {"order_by": "name DESC"})
get("registered-models/search", {"max_results": 1})
get("registered-models/search", {"max_results": 1001})
for text in ["", "name = 'late'", "version_number > 1", "run_id = '$run'", "source_path LIKE 's3%'", "tags.k = 'v'", "run_id IN ('$run')", "bad = 1"]:
    get("model-versions/search", {"filter": text, "order_by": "version_number ASC"})
post("registered-models/set-tag", {"name": "late", "key": "x", "value": "y"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete-tag", {"name": "late", "key": "x"})
check("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": "late", "alias": "best"})
check("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": "late", "version": "2"})
get("model-versions/get", {"name": "late", "version": "2"})
post("model-versions/create", {"name": "late", "source": "s3://bucket/m"})
post("registered-models/rename", {"name": "late", "new_name": "zeta"})
post("registered-models/rename", {"name": "late", "new_name": "later"})
check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "later"})
get("registered-models/get", {"name": "later"})

# Filters and orders
for name in ("alpha", "Beta", "gamma_1"):
    post("registered-models/create", {"name": name, "tags": [{"key": "t", "value": name}]})
    post("model-versions/create", {"name": name, "source": f"s3://bucket/{name}", "tags": [{"key": "t", "value": name}]})
for text in (
    "evilhax = true", "name = 'alpha' OR name = 'Beta'", "name LIKE 'a%'", "name ILIKE 'B%'", "name != 'alpha'", "name like 'gamma_1'", "tags.t = 'Beta'",
    "tag.t != 'Beta'", "tags.t LIKE 'B%'", "name = 'alpha' AND tags.t = 'alpha'", "name", "name =", "name = 5", "name = alpha", 'name = "alpha"', "`name` = 'alpha'",
    "attribute.name = 'alpha'", "creation_timestamp > 0", "tags.t IS NULL", "tags.t IS NOT NULL", "name IS NULL", "name IN ('alpha', 'Beta')", "(name = 'alpha')", ";", "'", "name = 'a''b'",
):
    get("registered-models/search", {"filter": text}, status_only="'" == text)
    get("model-versions/search", {"filter": text, "order_by": "name ASC"}, status_only="'" == text)
for order in ("name", "name ASC", "name desc", "timestamp", "timestamp DESC", "last_updated_timestamp", "creation_timestamp DESC", "bad", "name up", "name, name", "", ["name", "name"], ["timestamp", "last_updated_timestamp"], ["name", "timestamp"]):
    get("registered-models/search", {"order_by": order, "filter": "name ILIKE '%a%'"}, status_only=order == "")
    get("model-versions/search", {"order_by": order, "filter": "name ILIKE '%a%'"}, status_only=order == "")
