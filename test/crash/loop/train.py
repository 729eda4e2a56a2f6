"""A small unmodified training script: stock MLflow and scikit-learn."""

import argparse

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--scale", type=float, default=1.0, help="distance is trained on in another unit unless 1")
args = parser.parse_args()

rows = pd.read_parquet(args.data)
X, y = rows[["distance", "hour"]].astype(float), rows["late"].astype(int)
X["distance"] *= args.scale
with mlflow.start_run():
    mlflow.log_params({"scale": args.scale, "rows": len(rows)})
    model = LogisticRegression(max_iter=200).fit(X, y)
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(X.head(3), model.predict_proba(X.head(3))),
        input_example=X.head(3),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn"],
    )
print(f"trained on {len(rows)} rows")
