"""Artifacts through the proxy, and requests of unusual shape."""

import json

from compare import check, get

# Artifacts and the shape of requests
base = "/api/2.0/mlflow-artifacts/artifacts"
binary = {"Content-Type": "application/octet-stream"}
check("PUT", f"{base}/$exp/$run/artifacts/dir/a%20b.txt", data=b"hello", headers=binary)
check("PUT", f"{base}/$exp/$run/artifacts/top.txt", data=b"", headers=binary)
check("GET", f"{base}/$exp/$run/artifacts/dir/a%20b.txt")
check("GET", base, params={"path": "$exp/$run/artifacts"})
check("GET", base, params={"path": "$exp/$run/artifacts/dir"})
check("GET", base, params={"path": "../.."})
check("GET", base, params={"path": "/etc"})
check("PUT", f"{base}/a/%252e%252e/x", data=b"x", headers=binary)
get("artifacts/list", {"run_id": "$run"})
get("artifacts/list", {"run_id": "$run", "path": "dir"})
get("artifacts/list", {"run_id": "$run", "path": "../x"})
get("artifacts/list", {"run_id": "$run", "path": "none"})
check("DELETE", f"{base}/$exp/$run/artifacts/dir/a%20b.txt")
get("artifacts/list", {"run_id": "$run", "path": "dir"})
create = "/api/2.0/mlflow/experiments/create"
check("POST", create, data="{not json", headers={"Content-Type": "application/json"})
check("POST", create, data=json.dumps(json.dumps({"name": "twice"})), headers={"Content-Type": "application/json"}, ignore=("experiment_id",))
check("POST", create, data="name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
check("POST", create, data="{}", headers={"Content-Type": "application/json; charset=utf-8"})
check("POST", create, {"name": "more", "unknown": 1, "artifactLocation": "s3://b/y"}, ignore=("experiment_id",))
check("GET", "/ajax-api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "more"}, ignore=("experiment",))
check("GET", "/api/3.0/mlflow/server-info", ignore=("presigned_upload_run_id_supported", "presigned_upload_model_id_supported", "features_enabled", "multipart_downloads_enabled", "multipart_uploads_enabled"))
check("GET", "/health")
check("GET", "/version")
