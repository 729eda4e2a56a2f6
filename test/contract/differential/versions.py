"""Versions of models and prompts: stages, sources, aliases, numbers that are never given twice."""

from compare import check, get, post

PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "mlflow.prompt.text", "value": "Hi {{name}}"}]

post("registered-models/create", {"name": "staged", "description": "d"})
post("registered-models/create", {"name": "hello", "tags": PROMPT})
post("model-versions/create", {"name": "hello", "source": "prompt-template", "tags": PROMPT})
for i in range(4):
    post("model-versions/create", {"name": "staged", "source": f"s3://b/{i}", "run_link": "http://x/run" if i else "", "description": f"v{i}"})
for which in ["staged/2", "hello/1", "staged@none", "staged/99", "nothing/1", "staged/latest"]:
    post("model-versions/create", {"name": "staged", "source": f"models:/{which}"})
post("model-versions/create", {"name": "staged", "source": "models:/staged/2", "run_id": "abc"})
for version, stage in [(1, "Production"), (2, "production"), (3, "STAGING"), (4, "Archived"), (4, "None")]:
    post("model-versions/transition-stage", {"name": "staged", "version": str(version), "stage": stage})
for stage in ["Production", "Production", "None", "bad"]:
    post("model-versions/transition-stage", {"name": "staged", "version": "3", "stage": stage, "archive_existing_versions": True})
post("model-versions/transition-stage", {"name": "staged", "version": "99", "stage": "None"})
for which in ["Production", "Nonsense"]:
    post("model-versions/create", {"name": "staged", "source": f"models:/staged/{which}"})
for stages in [[], ["Production"], ["production", "None"], ["x"], ["Archived", "Staging"]]:
    post("registered-models/get-latest-versions", {"name": "staged", "stages": stages})
    get("registered-models/get-latest-versions", {"name": "staged", "stages": stages})
for version in ["7", "7", "6"]:
    check("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": "staged", "version": version})
post("model-versions/create", {"name": "staged", "source": "s3://b/z"})
prompts = "tags.`mlflow.prompt.is_prompt`"
for wanted in ["", "name='staged'", "name LIKE 'S%'", "name ILIKE 'S%'", f"{prompts}='true'", f"{prompts}!='true'", f"{prompts}='false'", "name='hello'", f"name='hello' AND {prompts}='true'"]:
    get("registered-models/search", {"filter": wanted})
    get("model-versions/search", {"filter": wanted})
for version in ["1", "2", "3", "4", "5", "8", "latest", "-1", "0", "1.0", " 1"]:
    get("model-versions/get", {"name": "staged", "version": version})
    get("model-versions/get-download-uri", {"name": "staged", "version": version})
for version in ["2", "3"]:
    post("registered-models/alias", {"name": "staged", "alias": "champion", "version": version})
get("registered-models/get", {"name": "staged"})
get("registered-models/alias", {"name": "staged", "alias": "champion"})
get("registered-models/alias", {"name": "staged", "alias": "Champion"})
check("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": "staged", "version": "3"})
get("registered-models/get", {"name": "staged"})
get("registered-models/alias", {"name": "staged", "alias": "champion"})
for name in ["hello", "staged", "renamed"]:
    post("registered-models/rename", {"name": "staged", "new_name": name})
get("model-versions/get", {"name": "renamed", "version": "1"})
get("model-versions/get", {"name": "staged", "version": "1"})
check("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": "renamed", "version": "1", "description": ""})
check("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": "renamed"})
get("model-versions/get", {"name": "renamed", "version": "1"})
for described in [{}, {"description": "again"}, {}]:
    check("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": "renamed", "version": "1", **described})
    get("model-versions/get", {"name": "renamed", "version": "1"})
    get("model-versions/search", {"filter": "name = 'renamed'", "order_by": "version_number ASC"})
    get("registered-models/get", {"name": "renamed"})
for name in ["renamed", "nothing"]:
    check("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": name, "alias": "none"})
for _ in range(2):
    check("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "renamed"})
post("registered-models/create", {"name": "renamed"})
post("model-versions/create", {"name": "renamed", "source": "s3://b/z"})
for source in [
    "https://h/x", "http://h/api/2.0/mlflow-artifacts/artifacts/1/a", "ftp://h/x", "mlflow-artifacts://h/1/a", "hdfs://h/x", "dbfs:/x", "gs://b/x",
    "abfss://f@h/x", "wasbs://x@y.blob.core.windows.net/z", "/tmp/x", "file:///tmp/x",
]:
    post("model-versions/create", {"name": "renamed", "source": source})
    post("model-versions/create", {"name": "renamed", "source": source, "tags": PROMPT})

# Models and prompts share their names
for tags in [[], PROMPT, [{"key": "mlflow.prompt.is_prompt", "value": "false"}], [{"key": "k", "value": "v"}]]:
    for name in ["renamed", "hello", "it's"]:
        post("registered-models/create", {"name": name, "tags": tags})
